"""Pickles inside gzip, bzip2, xz or zip: unpacked once into a temporary file, within bounds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats.mapped import MappedFile

#: A model of zeros shrinks a thousand times; what grows more than this is a bomb.
_MOST_GROWTH, _SLACK = 100, 1 << 26
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ValueError)
_PIECE = 1 << 20

_OPENERS: tuple[tuple[bytes, Callable[[str], Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ", lzma.open),
)


def is_wrapped(head: bytes) -> bool:
    """Whether this may be something with a pickle in it."""
    return _opener(head) is not None or head.startswith(b"PK\x03\x04")


def begin(head: bytes, path: str, count: int = 512) -> bytes:
    """The first bytes of what is inside; empty where nothing can be made of it."""
    try:
        with _open(head, path) as stream:
            return stream.read(count)
    except (*_DAMAGE, RuntimeError, NotImplementedError, FormatError, MemoryError):
        return b""


def unpacked(head: bytes, path: str, size: int) -> MappedFile:
    """What is inside, mapped from a temporary file that is gone when it is closed.

    Raises:
        UnsafeError: It grows beyond any model.
        FormatError: It is damaged.
    """
    limit = _MOST_GROWTH * size + _SLACK
    with tempfile.NamedTemporaryFile(prefix="chainer-ft-", suffix=".pkl") as file:
        try:
            with _open(head, path) as stream:
                _pour(stream, file, limit, path)
        except MemoryError as error:  # xz may ask for a dictionary of gigabytes
            raise UnsafeError(f"{path}: asks for more memory to unpack than there is") from error
        except (*_DAMAGE, RuntimeError, NotImplementedError) as error:
            raise FormatError(f"{path}: damaged: {error}; download or copy it again") from error
        file.flush()
        return MappedFile(file.name, path)


def _pour(stream: IO[bytes], file: Any, limit: int, path: str) -> None:
    done = 0
    while piece := stream.read(_PIECE):
        done += len(piece)
        if done > limit:
            raise UnsafeError(f"{path}: unpacks to more than {limit:,} bytes; this is a bomb")
        file.write(piece)


def _opener(head: bytes) -> Callable[[str], Any] | None:
    return next((opener for magic, opener in _OPENERS if head.startswith(magic)), None)


def _open(head: bytes, path: str) -> IO[bytes]:
    opener = _opener(head)
    stream: IO[bytes] = opener(path) if opener else _only_member(path)
    return stream


def _only_member(path: str) -> IO[bytes]:
    """The one file in a zip; it stays open as long as its stream."""
    archive = zipfile.ZipFile(path)
    files = [info for info in archive.infolist() if not info.filename.endswith("/")]
    if len(files) != 1:
        archive.close()
        raise FormatError(f"{path}: holds {len(files)} files, not one pickle")
    stream = archive.open(files[0])
    archive.close()  # counts its users: the file is closed with the stream
    return stream
