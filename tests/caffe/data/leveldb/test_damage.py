"""Damaged LevelDBs end in errors that name the file and the place."""

from __future__ import annotations

import struct
from pathlib import Path

import mutations
import numpy as np
import pytest
from makers import batch, edit, log_file, make_leveldb, string, table

from chainer_ft.caffe.binary_writer import varint
from chainer_ft.caffe.data.leveldb import LeveldbDatabase
from chainer_ft.caffe.data.leveldb import log as log_module
from chainer_ft.caffe.data.leveldb import table as table_module
from chainer_ft.caffe.data.leveldb.log import log_changes, log_records
from chainer_ft.caffe.data.leveldb.table import table_changes
from chainer_ft.errors import ChainerFTError, FormatError, TruncatedError

RECORDS = [(b"%04d" % i, bytes([i % 251]) * 90) for i in range(40)]


def read(path: Path) -> list[tuple[bytes, bytes]]:
    return list(LeveldbDatabase(path).records())


@pytest.mark.parametrize(
    "content, error, message",
    [
        (log_file([b"x" * 90])[:60], TruncatedError, "ends at byte 60 of 97"),
        (log_file([b"x" * 90])[:5], TruncatedError, "ends inside a record's head, at byte 0"),
        (log_file([b"x" * 40_000])[: 1 << 15], TruncatedError, "ends inside a record"),
        (b"\1" + log_file([b"x"])[1:], FormatError, "record at byte 0 has a wrong checksum"),
        (log_file([b"x"])[:6] + b"\7x", FormatError, "no record at byte 0"),
        (log_file([b"x" * 40_000])[1 << 15 :], FormatError, "in disorder"),
    ],
)
def test_a_log(content: bytes, error: type[Exception], message: str, tmp_path: Path) -> None:
    file = tmp_path / "000003.log"
    file.write_bytes(content)
    with pytest.raises(error, match=rf"000003\.log: .*{message}"):
        list(log_records(file))


def test_room_that_was_never_written_is_no_record(tmp_path: Path) -> None:
    file = tmp_path / "000003.log"
    file.write_bytes(log_file([b"x"]).ljust(1 << 15, b"\0") + log_file([b"y"]))
    assert list(log_records(file)) == [b"x", b"y"]


@pytest.mark.parametrize(
    "record, message",
    [
        (batch(1, [(b"a", b"1")])[:-1], "ends early"),
        (batch(1, [(b"a", b"1")]) + b"more", "holds more than these"),
        (struct.pack("<QI", 1, 1) + b"\7", "unknown kind 7"),
        (struct.pack("<QI", 1, 1) + b"\1" + b"\xff" * 12, "more than ten bytes"),
        (b"short", "ends early"),
    ],
)
def test_a_batch_of_writes(record: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "000003.log"
    file.write_bytes(log_file([record]))
    with pytest.raises(FormatError, match=rf"000003\.log: a batch of .*{message}"):
        list(log_changes(file))


@pytest.mark.parametrize(
    "content, message",
    [
        (varint(1) + string(b"idb_cmp1"), "ordered by b'idb_cmp1'"),
        (varint(77), "unknown tag 77"),
        (edit()[:-1], "ends early"),
    ],
)
def test_a_manifest(content: bytes, message: str, tmp_path: Path) -> None:
    make_leveldb(tmp_path)
    (tmp_path / "MANIFEST-000002").write_bytes(log_file([content]))
    with pytest.raises(FormatError, match=f"MANIFEST-000002: .*{message}"):
        read(tmp_path)


@pytest.mark.parametrize("name", [b"", b"../../etc/passwd", b"MANIFEST-1/../x", b"MANIFEST-"])
def test_what_current_names(name: bytes, tmp_path: Path) -> None:
    make_leveldb(tmp_path)
    (tmp_path / "CURRENT").write_bytes(name)
    with pytest.raises(FormatError, match=r"CURRENT: names .* where a manifest should stand"):
        read(tmp_path)


def test_a_table_with_a_wrong_checksum(tmp_path: Path) -> None:
    spoilt = bytearray(table(RECORDS))
    spoilt[3] ^= 4
    (tmp_path / "000005.ldb").write_bytes(spoilt)
    with pytest.raises(FormatError, match=r"000005\.ldb: the block at byte 0 has a wrong checksum"):
        list(table_changes(tmp_path / "000005.ldb"))


@pytest.mark.parametrize("size", [0, 40, 500])
def test_a_table_that_ends_early(size: int, tmp_path: Path) -> None:
    (tmp_path / "000005.ldb").write_bytes(table(RECORDS)[:size])
    with pytest.raises(FormatError, match=r"000005\.ldb"):
        list(table_changes(tmp_path / "000005.ldb"))


@pytest.mark.parametrize("name", ["000005.ldb", "000009.log", "MANIFEST-000002"])
@pytest.mark.parametrize("is_checked", [True, False])
def test_spoilt_files_end_in_errors_that_name_one(
    name: str, is_checked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With checksums, which find nearly all damage; and as if each were right by chance."""
    logs = {9: [batch(500 + i, [one]) for i, one in enumerate(RECORDS)]}
    make_leveldb(tmp_path, logs, {(1, 5): RECORDS}, 9)
    whole = read(tmp_path)
    if not is_checked:
        for module in (log_module, table_module):
            monkeypatch.setattr(module, "checksum", _Anything())
    data = (tmp_path / name).read_bytes()
    ways = [mutations.cut, mutations.flip_bit, mutations.set_bytes, mutations.hostile_number]
    errors = 0
    for case in range(400):
        (tmp_path / name).write_bytes(ways[case % len(ways)](data, np.random.default_rng(case)))
        try:
            got = read(tmp_path)
            assert got == whole or not is_checked or name != "000005.ldb", case
        except ChainerFTError as error:
            assert str(tmp_path) in str(error), case
            errors += 1
    assert errors > 100


class _Anything:
    """Equal to every checksum."""

    def __call__(self, data: bytes) -> _Anything:
        return self

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]
