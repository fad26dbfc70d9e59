"""The meta pages of an LMDB: how large its pages are, and where its tree begins."""

from __future__ import annotations

import struct
from typing import NamedTuple, NoReturn

from chainer_ft.errors import FormatError
from chainer_ft.formats.mapped import MappedFile

HEADER = struct.Struct("<QHHHH")  # of every page: number, pad, flags, lower, upper
NO_ROOT = (1 << 64) - 1
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_META = struct.Struct("<IIQQ")  # magic, version, address, map size
_TREE = struct.Struct("<IHHQQQQQ")  # pad, flags, depth, branch, leaf, overflow, entries, root
_META_END = struct.Struct("<QQ")  # last page, transaction
_DUPSORT = 4
_DEEPEST = 32
_SMALLEST_RECORD = 8


class Meta(NamedTuple):
    """What a meta page says.

    Attributes:
        page_size: Bytes of a page.
        flags: Of the unnamed database.
        depth: Of its tree.
        entries: How many records it has.
        root: Page that the tree begins with, :data:`NO_ROOT` for none.
        last_page: Number of the last page.
        transaction: Counts the states of the file.
    """

    page_size: int
    flags: int
    depth: int
    entries: int
    root: int
    last_page: int
    transaction: int


def read_meta(file: MappedFile) -> Meta:
    """Of the two meta pages, the one that was written last.

    Raises:
        FormatError: The file is no LMDB, one of a kind that Caffe does not make, or damaged.
        TruncatedError: It ends before these pages do.
    """
    first = _read(file, 0)
    metas, size = [first], first.page_size
    if not 256 <= size <= 1 << 16 or size & (size - 1):
        fail(file, f"a page size of {size}")
    if file.size >= 2 * size:
        metas.append(_read(file, size))
    meta = max(metas, key=lambda meta: meta.transaction)
    _check(file, meta)
    return meta


def fail(file: MappedFile, trouble: str) -> NoReturn:
    """Raise :class:`FormatError` for a file."""
    raise FormatError(f"{file.path}: {trouble}; convert the images again")


def _read(file: MappedFile, offset: int) -> Meta:
    need = HEADER.size + _META.size + 2 * _TREE.size + _META_END.size
    file.need(offset, need, "an LMDB's meta page")
    view, at = file.view, offset + HEADER.size
    magic, version, _, _ = _META.unpack_from(view, at)
    if magic != _MAGIC:
        fail(file, "is no LMDB of a 64-bit little-endian machine (its magic number is missing)")
    if version != _VERSION:
        fail(
            file,
            f"has LMDB's data version {version}, and only {_VERSION} is read; write it "
            "again with `mdb_dump` and `mdb_load` of LMDB 0.9",
        )
    page_size = _TREE.unpack_from(view, at + _META.size)[0]
    _, flags, depth, *_, entries, root = _TREE.unpack_from(view, at + _META.size + _TREE.size)
    last, transaction = _META_END.unpack_from(view, at + _META.size + 2 * _TREE.size)
    return Meta(page_size, flags, depth, entries, root, last, transaction)


def _check(file: MappedFile, meta: Meta) -> None:
    if meta.flags & _DUPSORT:
        fail(file, "has several values for a key (DUPSORT), which Caffe's databases never have")
    if meta.depth > _DEEPEST:
        fail(file, f"a tree of depth {meta.depth}")
    if meta.entries > file.size // _SMALLEST_RECORD:
        fail(file, f"names {meta.entries} records in {file.size} bytes")
