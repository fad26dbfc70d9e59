"""LMDB, read in place: the pages of its B+ tree, in the order of the keys.

The C library maps the file and trusts it: a truncated ``data.mdb`` ends the whole process with a
bus error, a damaged one now and then with a segmentation fault. It also wants to write a lock file
beside the data. Reading takes few lines, so it is done here, with every number checked.
"""

from __future__ import annotations

import os
import struct
import weakref
from collections.abc import Iterator
from itertools import islice
from typing import NoReturn

from chainer_ft.caffe.data.lmdb_meta import HEADER, NO_ROOT, fail, read_meta
from chainer_ft.errors import FormatError
from chainer_ft.formats.mapped import MappedFile

_NODE = struct.Struct("<HHHH")  # low, high, flags, key size
_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4
_BIG, _SUB_OR_DUP = 1, 2 | 4


class LmdbDatabase:
    """The unnamed database of an LMDB folder.

    Args:
        path: The folder with ``data.mdb``, or the file itself.

    Raises:
        FormatError: There is none, or it is damaged; with the page where that shows.
        TruncatedError: It ends early.

    Attributes:
        path: The path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        inside = os.path.join(self.path, "data.mdb")
        if os.path.isdir(self.path) and not os.path.exists(inside):
            raise FormatError(f"{self.path}: holds no data.mdb, so it is no LMDB")
        self._nodes: list[tuple[int, int]] | None = None
        self._file = MappedFile(inside if os.path.isdir(self.path) else self.path)
        try:
            self._meta = read_meta(self._file)
        except BaseException:
            self._file.close()
            raise
        self._forget = weakref.finalize(self, self._file.close)  # if nobody calls close
        self._forget.atexit = False  # a thread may still be reading

    def __len__(self) -> int:
        """How many records it says that it holds."""
        return self._meta.entries

    def records(self, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values in the order of the keys (byte-wise), beginning with record ``start``.

        Raises:
            FormatError: A page is damaged.
            TruncatedError: The file ends before a page or value does.
        """
        if self._meta.root == NO_ROOT:
            return
        for count, at in enumerate(self._leaf_nodes(self._meta.root, self._meta.depth)):
            if count >= self._meta.entries:
                self._fail(f"the tree holds more than the {self._meta.entries} records it names")
            if count >= start:
                yield self._record(*at)

    def record(self, number: int) -> tuple[bytes, bytes]:
        """Key and value of the record ``number``, counted in the order of the keys.

        Raises:
            FormatError: A page is damaged.
            TruncatedError: The file ends before a page or value does.
            IndexError: There are fewer.
        """
        if self._nodes is None:
            has_any = self._meta.root != NO_ROOT
            nodes = self._leaf_nodes(self._meta.root, self._meta.depth) if has_any else ()
            self._nodes = list(islice(nodes, self._meta.entries))
        return self._record(*self._nodes[number])

    def close(self) -> None:
        """Close the file."""
        self._forget()

    def _leaf_nodes(self, page: int, depth: int) -> Iterator[tuple[int, int]]:
        """(page, offset of the node) of every record below a page."""
        flags, nodes = self._page(page)
        if flags & _LEAF:
            yield from ((page, node) for node in nodes)
        elif flags & _BRANCH and depth > 1:
            for node in nodes:
                low, high, top, _ = _NODE.unpack_from(self._file.view, node)
                yield from self._leaf_nodes(low | high << 16 | top << 32, depth - 1)
        else:
            self._fail(f"page {page} has the flags {flags:#x}, which no page of a tree has")

    def _page(self, number: int) -> tuple[int, list[int]]:
        """A page's flags, and the offsets of its nodes in the file."""
        start = self._offset(number)
        own, _, flags, lower, upper = HEADER.unpack_from(self._file.view, start)
        size = self._meta.page_size
        if own != number or not HEADER.size < lower <= upper <= size or lower % 2:
            self._fail(f"page {number} is damaged")
        count = (lower - HEADER.size) // 2
        slots = struct.unpack_from(f"<{count}H", self._file.view, start + HEADER.size)
        if min(slots) < upper or max(slots) > size - _NODE.size:
            self._fail(f"page {number} has a record outside of itself")
        return flags, [start + slot for slot in slots]

    def _record(self, page: int, at: int) -> tuple[bytes, bytes]:
        low, high, flags, key_size = _NODE.unpack_from(self._file.view, at)
        key_end, page_end = at + _NODE.size + key_size, self._offset(page) + self._meta.page_size
        if key_end > page_end:
            self._fail(f"a key in page {page} goes on beyond the page")
        key = bytes(self._file.view[at + _NODE.size : key_end])
        if flags & _SUB_OR_DUP:
            self._fail(f"key {key!r} is a named database; Caffe's records stand in the unnamed one")
        size = low | high << 16
        if flags & _BIG:
            return key, self._overflow(key, key_end, size)
        if key_end + size > page_end:
            self._fail(f"the value of key {key!r} goes on beyond page {page}")
        return key, bytes(self._file.view[key_end : key_end + size])

    def _overflow(self, key: bytes, at: int, size: int) -> bytes:
        """A value that has pages of its own."""
        (page,) = struct.unpack("<Q", bytes(self._file.view[at : at + 8]).ljust(8, b"\xff"))
        start = self._offset(page, f"the value of key {key!r}")
        own, _, flags, *_ = HEADER.unpack_from(self._file.view, start)
        begin = start + HEADER.size
        if own != page or not flags & _OVERFLOW:
            self._fail(f"the value of key {key!r} is damaged (page {page}, {size} bytes)")
        self._file.need(begin, size, f"the value of key {key!r}")
        return bytes(self._file.view[begin : begin + size])

    def _offset(self, page: int, what: str = "the tree") -> int:
        if not 1 < page <= self._meta.last_page:
            self._fail(f"{what} goes on in page {page} of {self._meta.last_page}")
        start = page * self._meta.page_size
        self._file.need(start, self._meta.page_size, f"{what}, page {page}")
        return start

    def _fail(self, trouble: str) -> NoReturn:
        fail(self._file, trouble)
