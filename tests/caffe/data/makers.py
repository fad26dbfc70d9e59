"""Makes databases: LMDB by its library, LevelDB by hand."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import cramjam
import lmdb

from chainer_ft.caffe.binary_writer import varint
from chainer_ft.caffe.data.leveldb.checks import checksum

Records = Sequence[tuple[bytes, bytes | None]]
BLOCK = 1 << 15


def make_lmdb(folder: Path, records: Records, **options: object) -> Path:
    with lmdb.open(str(folder), map_size=1 << 26, **options) as env, env.begin(write=True) as txn:
        for key, value in records:
            assert txn.put(key, value)
    return folder


def string(data: bytes) -> bytes:
    return varint(len(data)) + data


def log_file(records: Sequence[bytes]) -> bytes:
    """A log: records in blocks of 32 KB, each cut where a block ends."""
    out = bytearray()
    for record in records:
        rest, first = record, True
        while first or rest:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += bytes(left)
                continue
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if first else 4) if not rest else (2 if first else 3)
            out += struct.pack("<IHB", checksum(bytes([kind]) + part), len(part), kind) + part
            first = False
    return bytes(out)


def batch(sequence: int, records: Records) -> bytes:
    """One batch of writes; ``None`` deletes."""
    out = struct.pack("<QI", sequence, len(records))
    for key, value in records:
        out += b"\0" + string(key) if value is None else b"\1" + string(key) + string(value)
    return out


def block(records: Sequence[tuple[bytes, bytes]]) -> bytes:
    out, before = b"", b""
    for key, value in records:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        before = key
    return out + struct.pack("<II", 0, 1)


def table(records: Records, sequence: int = 1, snappy: bool = True, per_block: int = 3) -> bytes:
    """A sorted table of records that are sorted already."""
    out, index = b"", []
    keyed = [
        (key + struct.pack("<Q", (sequence + i) << 8 | (value is not None)), value or b"")
        for i, (key, value) in enumerate(records)
    ]

    def add(data: bytes) -> bytes:
        nonlocal out
        packed = bytes(cramjam.snappy.compress_raw(data)) if snappy else data
        handle = varint(len(out)) + varint(len(packed))
        tail = bytes([int(snappy)])
        out += packed + tail + struct.pack("<I", checksum(packed + tail))
        return handle

    for start in range(0, len(keyed), per_block):
        chunk = keyed[start : start + per_block]
        index.append((chunk[-1][0], add(block(chunk))))
    foot = add(block([])) + add(block(index))
    return out + foot.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def edit(log: int = 0, tables: Sequence[tuple[int, int, bytes, bytes]] = ()) -> bytes:
    """A change of the manifest; tables are (level, number, smallest, largest user key)."""
    out = varint(1) + string(b"leveldb.BytewiseComparator")
    out += varint(2) + varint(log) + varint(3) + varint(99) + varint(4) + varint(999)
    for level, number, first, last in tables:
        numbers = varint(7) + varint(level) + varint(number) + varint(1000)
        out += numbers + string(first + bytes(8)) + string(last + bytes(8))
    return out


def make_leveldb(
    folder: Path,
    logs: dict[int, Sequence[bytes]] | None = None,
    tables: dict[tuple[int, int], Records] | None = None,
    log: int = 0,
    **options: bool,
) -> Path:
    """A LevelDB of logs (number to batches) and tables ((level, number) to records)."""
    folder.mkdir(exist_ok=True)
    (folder / "CURRENT").write_bytes(b"MANIFEST-000002\n")
    named, sequence = [], 1
    for (level, number), records in (tables or {}).items():
        (folder / f"{number:06}.ldb").write_bytes(table(records, sequence, **options))
        named.append((level, number, records[0][0], records[-1][0]))
        sequence += len(records)
    (folder / "MANIFEST-000002").write_bytes(log_file([edit(log, named)]))
    for number, batches in (logs or {}).items():
        (folder / f"{number:06}.log").write_bytes(log_file(batches))
    return folder
