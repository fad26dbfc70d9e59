"""LMDB without its library."""

from __future__ import annotations

import gc
import shutil
import struct
from pathlib import Path

import lmdb
import mutations
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import make_lmdb

from chainer_ft.caffe.data.lmdb import LmdbDatabase
from chainer_ft.errors import ChainerFTError, FormatError, TruncatedError

KEYS = st.binary(min_size=1, max_size=60)
VALUES = st.binary(max_size=40) | st.integers(0, 20_000).map(lambda n: b"\x07" * n)


def read(path: Path, start: int = 0) -> list[tuple[bytes, bytes]]:
    database = LmdbDatabase(path)
    try:
        return [(key, bytes(value)) for key, value in database.records(start)]
    finally:
        database.close()


@settings(max_examples=60, deadline=None)
@given(records=st.dictionaries(KEYS, VALUES, max_size=300))
def test_what_the_library_wrote_is_read(records: dict[bytes, bytes], tmp_path_factory) -> None:
    path = make_lmdb(tmp_path_factory.mktemp("lmdb"), list(records.items()))
    assert read(path) == sorted(records.items())


def test_a_deep_tree_with_deletions(tmp_path: Path) -> None:
    records = {b"%08d" % i: bytes([i % 256]) * (i % 700) for i in range(20_000)}
    make_lmdb(tmp_path, list(records.items()))
    with lmdb.open(str(tmp_path), map_size=1 << 26) as env, env.begin(write=True) as txn:
        for key in list(records)[::3]:
            txn.delete(key)
            del records[key]
    assert read(tmp_path) == sorted(records.items())
    assert read(tmp_path, 13_000) == sorted(records.items())[13_000:]
    database = LmdbDatabase(tmp_path)
    assert database.record(9_999) == sorted(records.items())[9_999]
    assert database.record(0) == sorted(records.items())[0]
    with pytest.raises(IndexError):
        database.record(len(records))
    database.close()


def test_one_file_without_a_folder(tmp_path: Path) -> None:
    make_lmdb(tmp_path / "one.mdb", [(b"a", b"1")], subdir=False)
    assert read(tmp_path / "one.mdb") == [(b"a", b"1")]


def test_nothing_is_written_beside_it(tmp_path: Path) -> None:
    make_lmdb(tmp_path, [(b"a", b"1")])
    (tmp_path / "lock.mdb").unlink()
    read(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["data.mdb"]


def test_a_forgotten_database_closes_its_file(tmp_path: Path) -> None:
    """Or else Python warns, which is an error in these tests."""
    make_lmdb(tmp_path, [(b"a", b"1"), (b"b", b"2")])
    database = LmdbDatabase(tmp_path)
    file = database._file._file
    records = database.records()
    next(records)
    del database
    assert not file.closed
    del records
    gc.collect()
    assert file.closed


def test_no_records(tmp_path: Path) -> None:
    make_lmdb(tmp_path, [])
    assert read(tmp_path) == []


def test_a_folder_without_a_database(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"holds no data\.mdb"):
        LmdbDatabase(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """A database of branches, leaves, overflow pages."""
    records = [(b"%06d" % i, bytes([i % 251]) * (9000 if i % 50 == 0 else 60)) for i in range(400)]
    path = make_lmdb(tmp_path_factory.mktemp("whole"), records)
    return (path / "data.mdb").read_bytes()


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99])
def test_a_truncated_file(share: float, whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(TruncatedError, match=r"data\.mdb"):
        read(tmp_path)


@pytest.mark.parametrize(
    "offset, patch, message",
    [
        (16, b"\0\0\0\0", "magic"),
        (20, b"\x09\0\0\0", "data version 9"),
        (24 + 16, b"\x07\0\0\0", "page size of 7"),
    ],
)
def test_a_wrong_meta_page(
    offset: int, patch: bytes, message: str, whole: bytes, tmp_path: Path
) -> None:
    spoilt = bytearray(whole)
    spoilt[offset : offset + len(patch)] = patch
    (tmp_path / "data.mdb").write_bytes(spoilt)
    with pytest.raises(FormatError, match=message):
        read(tmp_path)


def test_several_values_for_a_key_are_refused(whole: bytes, tmp_path: Path) -> None:
    spoilt = bytearray(whole)
    for page in (0, 4096):
        spoilt[page + 16 + 24 + 48 + 4] |= 4
    (tmp_path / "data.mdb").write_bytes(spoilt)
    with pytest.raises(FormatError, match="DUPSORT"):
        LmdbDatabase(tmp_path)


def test_a_named_database_is_refused(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path), map_size=1 << 20, max_dbs=1) as env:
        env.open_db(b"inside")
    with pytest.raises(FormatError, match=r"b'inside' is a named database"):
        read(tmp_path)


def test_a_page_that_leads_back_to_the_root(whole: bytes, tmp_path: Path) -> None:
    """A circle in the tree ends in an error, not in an endless walk."""
    roots = (struct.unpack_from("<Q", whole, meta + 16 + 24 + 48 + 40)[0] for meta in (0, 4096))
    root = min(roots)  # of the other, empty state: 2**64 - 1
    spoilt = bytearray(whole)
    slot = struct.unpack_from("<H", spoilt, root * 4096 + 16)[0]
    struct.pack_into("<HHH", spoilt, root * 4096 + slot, root, 0, 0)
    (tmp_path / "data.mdb").write_bytes(spoilt)
    with pytest.raises(FormatError, match="flags"):
        read(tmp_path)


def test_spoilt_files_end_in_errors_that_name_the_file(whole: bytes, tmp_path: Path) -> None:
    seen = {"error": 0, "read": 0}
    ways = [mutations.cut, mutations.flip_bit, mutations.set_bytes, mutations.hostile_number]
    for case in range(600):
        rng = np.random.default_rng(case)
        (tmp_path / "data.mdb").write_bytes(ways[case % len(ways)](whole, rng))
        try:
            read(tmp_path)
            seen["read"] += 1
        except ChainerFTError as error:
            assert "data.mdb" in str(error), case
            seen["error"] += 1
    assert min(seen.values()) > 50
    shutil.rmtree(tmp_path)
