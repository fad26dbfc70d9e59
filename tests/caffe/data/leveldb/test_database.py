"""LevelDB without its library."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import batch, make_leveldb

from chainer_ft.caffe.data.leveldb import LeveldbDatabase
from chainer_ft.errors import FormatError

CHANGES = st.lists(
    st.tuples(st.binary(max_size=6), st.none() | st.binary(max_size=2000)), max_size=60
)


def read(path: Path, start: int = 0) -> list[tuple[bytes, bytes]]:
    return list(LeveldbDatabase(path).records(start))


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(CHANGES, max_size=5))
def test_the_latest_change_holds(batches: list, tmp_path_factory) -> None:
    sequence, written, expected = 1, [], {}
    for changes in batches:
        written.append(batch(sequence, changes))
        sequence += len(changes)
        for key, value in changes:
            expected.pop(key, None)
            if value is not None:
                expected[key] = value
    half = len(written) // 2
    path = make_leveldb(
        tmp_path_factory.mktemp("ldb"), {3: written[:half], 4: written[half:]}, log=3
    )
    assert read(path) == sorted(expected.items())


@pytest.mark.parametrize("snappy", [True, False])
def test_tables_of_all_levels_and_the_log_are_merged(snappy: bool, tmp_path: Path) -> None:
    old = [(b"%04d" % i, b"old" * i) for i in range(40)]
    tables = {
        (2, 5): old[:20],
        (2, 4): old[20:],
        (1, 6): [(b"0003", b"one"), (b"0021", None)],
        (0, 7): [(b"0003", b"two"), (b"0005", b"five")],
        (0, 8): [(b"0003", b"three"), (b"0005", None)],
    }
    logged = [batch(500, [(b"0001", b"new"), (b"0007", None), (b"9", b"last")])]
    make_leveldb(tmp_path, {9: logged, 2: [batch(900, [(b"0001", b"stale")])]}, tables, 9,
                 snappy=snappy)  # fmt: skip
    expected = dict(old) | {b"0003": b"three", b"0001": b"new", b"9": b"last"}
    for key in (b"0021", b"0005", b"0007"):
        del expected[key]
    assert read(tmp_path) == sorted(expected.items())
    assert read(tmp_path, 30) == sorted(expected.items())[30:]


def test_values_longer_than_a_block_of_the_log(tmp_path: Path) -> None:
    values = [bytes([i]) * size for i, size in enumerate((0, 32_700, 32_768, 100_000, 7))]
    records = [(b"%d" % i, value) for i, value in enumerate(values)]
    make_leveldb(tmp_path, {3: [batch(i + 1, [one]) for i, one in enumerate(records)]})
    assert read(tmp_path) == records


def test_nothing_is_written(tmp_path: Path) -> None:
    make_leveldb(tmp_path, {3: [batch(1, [(b"a", b"1")])]})
    before = sorted(file.name for file in tmp_path.iterdir())
    read(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == before


def test_a_missing_table(tmp_path: Path) -> None:
    make_leveldb(tmp_path, tables={(0, 7): [(b"a", b"1")]})
    (tmp_path / "000007.ldb").unlink()
    with pytest.raises(FormatError, match=r"MANIFEST-000002: names the table 000007\.ldb"):
        LeveldbDatabase(tmp_path)


def test_tables_of_old_versions_have_another_suffix(tmp_path: Path) -> None:
    make_leveldb(tmp_path, tables={(0, 7): [(b"a", b"1")]})
    (tmp_path / "000007.ldb").rename(tmp_path / "000007.sst")
    assert read(tmp_path) == [(b"a", b"1")]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no file CURRENT"):
        LeveldbDatabase(tmp_path)
