"""The file of records that is LevelDB's write-ahead log and its manifest alike."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from chainer_ft.caffe.data.leveldb.checks import AGAIN, Bytes, checksum, fail
from chainer_ft.errors import FormatError, TruncatedError

_BLOCK = 1 << 15
_HEADER = struct.Struct("<IHB")  # checksum, length, type
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_PUT = 1


class Change(NamedTuple):
    """A key that was written or deleted.

    Attributes:
        key: The key.
        sequence: Counts all changes of the database; of two for one key, the greater holds.
        value: The value; ``None`` where the key was deleted.
    """

    key: bytes
    sequence: int
    value: bytes | None


def log_records(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The records of a log, each put together from its parts.

    Raises:
        FormatError: A part has a wrong checksum or stands in the wrong place, with its offset.
        TruncatedError: The file ends inside a record.
    """
    name = os.fspath(path)
    parts: list[bytes] = []
    for at, kind, part in _parts(name):
        if (kind in (_FULL, _FIRST)) == bool(parts):
            fail(name, f"the records at byte {at} are in disorder")
        parts.append(part)
        if kind in (_FULL, _LAST):
            yield b"".join(parts)
            parts = []
    if parts:
        raise TruncatedError(f"{name}: ends inside a record; {AGAIN}")


def _parts(path: str) -> Iterator[tuple[int, int, bytes]]:
    """(offset, type, bytes) of every part of a record."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be opened: {error.strerror}") from error
    at = 0
    while at < len(data):
        left = _BLOCK - at % _BLOCK
        if left < _HEADER.size:  # no header fits into the rest of the block
            at += left
            continue
        if at + _HEADER.size > len(data):
            raise TruncatedError(f"{path}: ends inside a record's head, at byte {at}; {AGAIN}")
        crc, length, kind = _HEADER.unpack_from(data, at)
        if not (crc or length or kind):  # room that was set aside and never written
            at += left
            continue
        yield at, kind, _checked(path, data, at, crc, length, kind, left)
        at += _HEADER.size + length


def _checked(path: str, data: bytes, at: int, crc: int, length: int, kind: int, left: int) -> bytes:
    end = at + _HEADER.size + length
    if not _FULL <= kind <= _LAST or length > left - _HEADER.size:
        fail(path, f"there is no record at byte {at}")
    if end > len(data):
        raise TruncatedError(f"{path}: ends at byte {len(data)} of {end} (a record); {AGAIN}")
    if checksum(data[at + _HEADER.size - 1 : end]) != crc:
        fail(path, f"the record at byte {at} has a wrong checksum")
    return data[at + _HEADER.size : end]


def log_changes(path: str | os.PathLike[str]) -> Iterator[Change]:
    """The keys and values in a write-ahead log, in the order in which they were written.

    Raises:
        FormatError: A batch of writes is damaged.
    """
    name = os.fspath(path)
    for record in log_records(path):
        batch = Bytes(record, name, "a batch of writes")
        sequence, count = struct.unpack("<QI", batch.take(12))
        for number in range(count):
            kind = batch.take(1)[0]
            if kind > _PUT:
                fail(name, f"a batch of writes holds a change of the unknown kind {kind}")
            key = batch.string()
            yield Change(key, sequence + number, batch.string() if kind == _PUT else None)
        if not batch.is_done:
            fail(name, f"a batch of {count} writes holds more than these")
