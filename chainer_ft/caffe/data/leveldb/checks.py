"""What every file of a LevelDB needs: varints with bounds, and the checksum."""

from __future__ import annotations

from typing import NoReturn

from chainer_ft.caffe.data.extra import extra
from chainer_ft.errors import FormatError

_MASK = 0xA282EAD8
AGAIN = "convert the images again, or copy the folder again"


def checksum(data: bytes) -> int:
    """The masked CRC-32C that LevelDB keeps beside data.

    Example:
        >>> hex(checksum(b"foo"))
        '0xfebe8a61'
    """
    value: int = extra("google_crc32c", "google-crc32c", "a LevelDB").value(data)
    return ((value >> 15 | value << 17) + _MASK) & 0xFFFF_FFFF


def fail(path: str, trouble: str) -> NoReturn:
    """Raise :class:`FormatError` for a file of a database."""
    raise FormatError(f"{path}: {trouble}; {AGAIN}")


class Bytes:
    """Reads numbers and strings from a piece of a file, one after another.

    Args:
        data: The piece.
        path: The file, for messages.
        what: The piece's name, for messages.

    Example:
        >>> piece = Bytes(b"\\xac\\x02\\x02hi", "000003.log", "a record")
        >>> piece.varint(), piece.string(), piece.is_done
        (300, b'hi', True)
    """

    def __init__(self, data: bytes, path: str, what: str) -> None:
        self._data, self._path, self._what = data, path, what
        self._at = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._data)

    def varint(self) -> int:
        """An unsigned number of seven bits a byte."""
        value = shift = 0
        while shift < 70:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        fail(self._path, f"{self._what} holds a number of more than ten bytes")

    def string(self) -> bytes:
        """Bytes with their length before them."""
        return self.take(self.varint())

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        start = self._at
        self._at += count
        if self._at > len(self._data):
            fail(self._path, f"{self._what} ends early, at its byte {len(self._data)}")
        return self._data[start : self._at]
