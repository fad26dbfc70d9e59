"""The members of a zip file, read through its directory and checked against their CRC."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.formats.mapped import MappedFile
from chainer_ft.formats.zip_headers import local_header, without_directory

# Deflate cannot shrink more than 1032 times.
_MOST_RATIO, _SLACK = 1040, 1024
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
_LOCAL_HEADER = 30
_END, _SHORTEST_END, _LONGEST_END = b"PK\x05\x06", 22, 22 + 0xFFFF
_DAMAGE = (
    *(OSError, ValueError, RuntimeError, EOFError, KeyError, IndexError, OverflowError),
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error),
)

Fill = Callable[[np.ndarray], None]


@contextmanager
def damage_in(path: str) -> Iterator[None]:
    """Turn what the zip module and zlib raise on a damaged file into one sentence."""
    try:
        yield
    except _DAMAGE as error:
        raise FormatError(f"{path}: damaged zip: {error}; download or copy it again") from error


class ZipReader:
    """A zip file whose uncompressed members are read without a copy in between.

    Args:
        path: The file.

    Raises:
        TruncatedError: It ends early.
        FormatError: It is no zip, or its directory is damaged.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = MappedFile(path)
        with closed_on_error(self._file):
            tail = bytes(self._file.view[-_LONGEST_END:])
            end = tail.rfind(_END)
            if end < 0 or len(tail) < end + _SHORTEST_END:
                raise without_directory(self._file)
            self._listed = int.from_bytes(tail[end + 10 : end + 12], "little")
            with damage_in(path):
                self._zip = zipfile.ZipFile(path)
        with closed_on_error(self):
            self._infos = {info.filename: info for info in self._zip.infolist()}
            self._check_directory()

    def _check_directory(self) -> None:
        """Every member once, none inside another, none swallowed by a damaged length."""
        infos = self._zip.infolist()
        if len(self._infos) != len(infos):
            raise FormatError(f"{self.path}: two members of the zip have one name")
        if self._listed not in (len(infos), 0xFFFF):
            raise FormatError(
                f"{self.path}: damaged zip: {len(infos)} of {self._listed} members are listed; "
                "download or copy it again"
            )
        end = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise UnsafeError(f"{self.path}: member {info.filename!r} lies inside another one")
            end = info.header_offset + _LOCAL_HEADER + info.compress_size
        if end > self._file.size:
            raise FormatError(f"{self.path}: damaged zip: its members do not fit into it")

    @property
    def names(self) -> tuple[str, ...]:
        """The members, in the order of the directory."""
        return tuple(self._infos)

    def is_packed(self, name: str) -> bool:
        """Whether a member is compressed."""
        return self._infos[name].compress_type != zipfile.ZIP_STORED

    def size(self, name: str) -> int:
        """Length of the member, unpacked.

        Raises:
            FormatError: It is encrypted, or packed as NumPy never packs.
            UnsafeError: No packed data could become that long.
        """
        info, where = self._infos[name], f"{self.path}::{name}"
        if info.flag_bits & _ENCRYPTED:
            raise FormatError(f"{where}: is encrypted; unpack it and zip it again without password")
        if info.compress_type not in _METHODS:
            method = zipfile.compressor_names.get(info.compress_type, str(info.compress_type))  # type: ignore[attr-defined]
            raise FormatError(
                f"{where}: is packed with {method}, which NumPy never writes; unpack it and zip it "
                "again with deflate"
            )
        if info.file_size > _MOST_RATIO * info.compress_size + _SLACK:
            raise UnsafeError(
                f"{where}: claims that {info.compress_size} bytes unpack to "
                f"{info.file_size}; this zip is a bomb or damaged"
            )
        return info.file_size

    def head(self, name: str, count: int) -> bytes:
        """The first ``count`` bytes of a member, fewer where it is shorter."""
        with damage_in(self.path), self._zip.open(self._infos[name]) as stream:
            return stream.read(count)

    @contextmanager
    def numbers(self, name: str, offset: int) -> Iterator[Fill]:
        """A function that fills one array after the other from the member.

        Args:
            name: The member, which must be read to its end.
            offset: Where in it to begin.

        Raises:
            FormatError: It ends early, or its CRC is wrong.
        """
        info = self._infos[name]
        if info.compress_type == zipfile.ZIP_STORED:
            stored = _Stored(self._file, info, offset)
            yield stored.fill
            stored.check()
            return
        with damage_in(self.path), self._zip.open(info) as stream:
            stream.read(offset)
            yield lambda buffer: _fill(stream, buffer, f"{self.path}::{name}")
            stream.read(1)  # at the end the zip module compares the CRC

    def close(self) -> None:
        self._zip.close()
        self._file.close()


class _Stored:
    """A member that is not compressed, straight from the file."""

    def __init__(self, file: MappedFile, info: zipfile.ZipInfo, offset: int) -> None:
        self._file, self._info = file, info
        header = local_header(file, info.header_offset)
        if header is None:
            raise FormatError(
                f"{file.path}::{info.filename}: no member at byte {info.header_offset}"
            )
        file.need(header.begin, info.file_size, info.filename)
        self._crc = zlib.crc32(file.view[header.begin : header.begin + offset])
        self._position = header.begin + offset

    def fill(self, buffer: np.ndarray) -> None:
        self._file.read_into(buffer, self._position, self._info.filename)
        self._crc = zlib.crc32(buffer, self._crc)
        self._position += buffer.nbytes

    def check(self) -> None:
        if self._crc != self._info.CRC:
            raise FormatError(
                f"{self._file.path}::{self._info.filename}: is damaged (its CRC is wrong); "
                "download or copy it again"
            )


def _fill(stream: IO[bytes], buffer: np.ndarray, where: str) -> None:
    view = memoryview(buffer)
    done = 0
    while done < len(view):
        piece = stream.read(min(len(view) - done, 1 << 20))
        if not piece:
            raise FormatError(f"{where}: unpacks to less than it should; download or copy it again")
        view[done : done + len(piece)] = piece
        done += len(piece)
