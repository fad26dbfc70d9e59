"""A sorted table (``.ldb``, ``.sst``): blocks of keys that share beginnings, and an index."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from chainer_ft.caffe.data.extra import extra
from chainer_ft.caffe.data.leveldb.checks import Bytes, checksum, fail
from chainer_ft.caffe.data.leveldb.log import Change
from chainer_ft.formats.mapped import MappedFile

_FOOTER, _MAGIC = 48, 0xDB4775248B80FB57
_TRAILER = struct.Struct("<BI")  # compression, checksum
_RAW, _SNAPPY = 0, 1
_MOST = 1 << 30  # bytes of a block; one holds a value and little more


def table_changes(path: str | os.PathLike[str]) -> Iterator[Change]:
    """The keys and values of a table, sorted by key, the latest change of a key first.

    Raises:
        FormatError: A block has a wrong checksum or is damaged, with its offset.
        TruncatedError: The file ends early.
    """
    with MappedFile(path) as file:
        file.need(0, _FOOTER, "the foot of a table")
        foot = Bytes(bytes(file.view[-_FOOTER:]), file.path, "the foot")
        if struct.unpack_from("<Q", file.view, file.size - 8)[0] != _MAGIC:
            fail(file.path, "ends without the mark of a LevelDB table")
        foot.varint(), foot.varint()  # where the filter is, which only speeds up a search
        for _, place in _entries(file, foot.varint(), foot.varint()):
            handle = Bytes(place, file.path, "the index")
            for key, value in _entries(file, handle.varint(), handle.varint()):
                yield _change(file.path, key, value)


def _change(path: str, key: bytes, value: bytes) -> Change:
    if len(key) < 8:
        fail(path, f"the key {key!r} has no sequence number")
    (tail,) = struct.unpack_from("<Q", key, len(key) - 8)
    return Change(key[:-8], tail >> 8, value if tail & 0xFF else None)


def _entries(file: MappedFile, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block."""
    what = f"the block at byte {offset}"
    data = _block(file, offset, size, what)
    count = struct.unpack_from("<I", data, len(data) - 4)[0] if len(data) >= 4 else 0
    end = len(data) - 4 * (count + 1)
    if end < 0 or not count:
        fail(file.path, f"{what} has no list of its keys")
    block, key = Bytes(data[:end], file.path, what), b""
    while not block.is_done:
        shared, fresh, length = block.varint(), block.varint(), block.varint()
        if shared > len(key):
            fail(file.path, f"{what} has a key that shares more than the one before it has")
        key = key[:shared] + block.take(fresh)
        yield key, block.take(length)


def _block(file: MappedFile, offset: int, size: int, what: str) -> bytes:
    file.need(offset, size + _TRAILER.size, what)
    kind, crc = _TRAILER.unpack_from(file.view, offset + size)
    if checksum(bytes(file.view[offset : offset + size + 1])) != crc:
        fail(file.path, f"{what} has a wrong checksum")
    data = bytes(file.view[offset : offset + size])
    if kind == _RAW:
        return data
    if kind != _SNAPPY:
        fail(file.path, f"{what} has the unknown compression {kind}")
    return _unpacked(file.path, data, what)


def _unpacked(path: str, data: bytes, what: str) -> bytes:
    """A block without its Snappy compression."""
    cramjam = extra("cramjam", "cramjam", "a LevelDB")
    size = Bytes(data, path, what).varint()
    if size > min(_MOST, 64 * len(data) + 64):  # Snappy packs 64 bytes into three at best
        fail(path, f"{what} claims to hold {size} bytes in {len(data)}")
    try:
        return bytes(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        fail(path, f"{what} cannot be unpacked ({error})")
