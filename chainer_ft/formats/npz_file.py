"""Chainer's npz files: ``serializers.save_npz`` and trainer snapshots, read and written."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from chainer_ft.errors import FormatError, NotWeightsError
from chainer_ft.formats import none_array, npy
from chainer_ft.formats import provenance as origin
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.formats.layout import ChainerFile, check_names
from chainer_ft.formats.zipped import ZipReader
from chainer_ft.types import Entry, Source
from chainer_ft.types.source import BLOCK_BYTES

_UNINITIALISED = "uninitialised parameter or None"
_OBJECTS = "object array: reading it would run code"
_USUAL_HEADER = 128  # bytes; NumPy fills the header up to a multiple of 64


class NpzSource(ChainerFile):
    """An npz file: headers are parsed at once, numbers when they are asked for.

    Args:
        path: The file.

    Raises:
        FormatError: It is damaged.
        NotWeightsError: It holds no model.
    """

    format = "npz"

    def __init__(self, path: str) -> None:
        self._zip = ZipReader(path)
        with closed_on_error(self):
            self._members = _members(self._zip.names, path)
            self._headers = {stored: self._header(stored, path) for stored in self._members}
            if origin.MEMBER in self._zip.names:
                self._zip.size(origin.MEMBER)  # refuses what is encrypted, or a bomb
                self.provenance = origin.decode(self._zip.head(origin.MEMBER, origin.LIMIT))
            entries = [self._entry(stored) for stored in self._members]
            super().__init__(path, entries, ordered=origin.keeps_order(self.provenance))
            self.is_slow = any(map(self._zip.is_packed, self._members.values()))
            self._note_the_rest()

    def read_stored(self, stored: str) -> np.ndarray:
        header = self._headers[stored]
        array = npy.empty(header, f"{self.name}::{stored}")
        if header.nbytes:
            flat = array.T.reshape(-1) if header.fortran_order else array.reshape(-1)
            numbers = flat.view(np.uint8)
            with self._zip.numbers(self._members[stored], header.data_offset) as fill:
                for start in range(0, numbers.size, BLOCK_BYTES):
                    fill(numbers[start : start + BLOCK_BYTES])
        return array

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        stored = self.stored_path(path)
        header = self._headers[stored]
        if header.fortran_order and len(header.shape) > 1:
            return super().blocks(path)
        return self.stored_blocks(stored)

    def stored_blocks(self, stored: str) -> Iterator[np.ndarray]:
        """The numbers in the order of the file, in one buffer that is filled again and again."""
        header = self._headers[stored]
        itemsize = header.dtype.itemsize
        left = header.nbytes
        buffer = np.empty(min(left, max(BLOCK_BYTES // itemsize, 1) * itemsize), np.uint8)
        with self._zip.numbers(self._members[stored], header.data_offset) as fill:
            while left:
                block = buffer[: min(len(buffer), left)]
                fill(block)
                left -= len(block)
                yield block.view(header.dtype)

    def close(self) -> None:
        self._zip.close()

    def _entry(self, stored: str) -> Entry:
        header = self._headers[stored]
        if not header.is_object:
            return Entry(stored, header.shape, header.dtype)
        if header.shape == () and none_array.is_none(self._after_header(stored)):
            return Entry(stored, None, None, note=_UNINITIALISED)
        return Entry(stored, header.shape, header.dtype, note=_OBJECTS)

    def _after_header(self, stored: str) -> bytes:
        begin = self._headers[stored].data_offset
        return self._zip.head(self._members[stored], begin + none_array.LIMIT + 1)[begin:]

    def _note_the_rest(self) -> None:
        rest = [n for n in self._zip.names if not n.endswith((".npy", "/")) and n != origin.MEMBER]
        if rest:
            self.whole = False
            more = f" and {len(rest) - 3} more" if len(rest) > 3 else ""
            self.notes += (f"left out, being no arrays: {', '.join(rest[:3])}{more}",)

    def _header(self, stored: str, path: str) -> npy.NpyHeader:
        where, member = f"{path}::{stored}", self._members[stored]
        size = self._zip.size(member)
        head = self._zip.head(member, _USUAL_HEADER)
        length = npy.header_length(head, where)
        if length > len(head):
            head = self._zip.head(member, length)
        header = npy.parse_header(head, where)
        if not header.is_object and length + header.nbytes != size:
            raise FormatError(
                f"{where}: holds {size - length} bytes of numbers where shape {header.shape} "
                f"of {header.dtype} needs {header.nbytes}"
            )
        return header


def _members(names: Sequence[str], path: str) -> dict[str, str]:
    """The arrays among the members, by their path."""
    members: dict[str, str] = {}
    check_names(names, path)
    for name in names:
        if not name.endswith(".npy"):
            continue
        stored = "/" + name[: -len(".npy")].strip("/")
        if stored == "/":
            raise FormatError(f"{path}: holds an array without a name ({name!r})")
        if members.setdefault(stored, name) != name:
            raise FormatError(f"{path}: two members are {stored}: {members[stored]!r}, {name!r}")
    if names and not members:
        raise NotWeightsError(f"{path}: is a zip that holds no .npy array")
    return members


def write(
    path: str, source: Source, *, provenance: origin.Given | None = None, compress: bool = False
) -> None:
    """Write everything in ``source`` as an npz that ``chainer.serializers.load_npz`` reads.

    Args:
        path: The new file.
        source: What to write. Entries without an array become ``None``, as Chainer writes them.
        provenance: Kept inside as JSON, in a member that Chainer never asks for; a function is
            called when all arrays are written.
        compress: Deflate, as ``save_npz`` does by default: 7 % smaller, 30 times slower.
    """
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for entry in source.listing:
            info = zipfile.ZipInfo(entry.path[1:] + ".npy")
            info.compress_type = method
            with archive.open(info, "w", force_zip64=entry.nbytes >= 1 << 30) as member:
                _write_array(member, entry, source)
        if provenance is not None:
            text = origin.encode(provenance)
            info = zipfile.ZipInfo(origin.MEMBER)  # by its name alone it would get the time of day
            archive.writestr(info, text, zipfile.ZIP_DEFLATED)


def _write_array(member: IO[bytes], entry: Entry, source: Source) -> None:
    entry.check_writable(source.name)
    if entry.shape is None or entry.dtype is None:
        _write_header(member, np.dtype(object), ())
        member.write(none_array.PICKLE)
        return
    _write_header(member, entry.dtype, entry.shape)
    for block in source.blocks(entry.path):
        if block.nbytes:
            member.write(memoryview(np.ascontiguousarray(block).view(np.uint8)))


def _write_header(member: IO[bytes], dtype: np.dtype, shape: Sequence[int]) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": descr, "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(member, header)
