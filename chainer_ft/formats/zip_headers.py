"""The local headers of a zip: where each member's bytes are, and how far a cut file goes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.formats.mapped import MappedFile

MAGIC = b"PK\x03\x04"
_DIRECTORY = b"PK\x01\x02"
_FIXED = struct.Struct("<4s5H3I2H")
_DIRECTORY_ENTRY, _DIRECTORY_END = 46, 22
_HAS_DESCRIPTOR = 8  # flag: sizes are written behind the data, and are 0 here
_UNKNOWN = 0xFFFFFFFF  # the size is in the zip64 field


@dataclass(frozen=True)
class LocalHeader:
    """What stands in front of a member's data.

    Args:
        name: As stored.
        begin: Where the data begins, counted from the start of the file.
        packed: Bytes of the data in the file; ``None`` where the header does not say.
    """

    name: bytes
    begin: int
    packed: int | None


def local_header(file: MappedFile, start: int) -> LocalHeader | None:
    """The header at a byte of the file, ``None`` where there is none or only a part of one."""
    fixed = bytes(file.view[start : start + _FIXED.size])
    if len(fixed) < _FIXED.size or not fixed.startswith(MAGIC):
        return None
    _, _, flags, _, _, _, _, packed, _, name_length, extra_length = _FIXED.unpack(fixed)
    middle = start + _FIXED.size + name_length
    begin = middle + extra_length
    if begin > file.size:
        return None
    size: int | None = packed
    if packed == _UNKNOWN:
        size = _zip64_packed(bytes(file.view[middle:begin]))
    elif packed == 0 and flags & _HAS_DESCRIPTOR:
        size = None
    return LocalHeader(bytes(file.view[start + _FIXED.size : middle]), begin, size)


def _zip64_packed(extra: bytes) -> int | None:
    """The second number of the zip64 field, as it stands in a local header."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == 1 and length >= 16 and position + 20 <= len(extra):
            return int.from_bytes(extra[position + 12 : position + 20], "little")
        position += 4 + length
    return None


def without_directory(file: MappedFile) -> FormatError:
    """Why a zip has no directory at its end: mostly because it was cut.

    The directory is lost, but each member says in front how long it is.

    Args:
        file: A file that begins as a zip does.

    Returns:
        FormatError: To be raised; says how far the file goes, and how far it should.
    """
    position, directory, whole = 0, _DIRECTORY_END, 0
    while header := local_header(file, position):
        directory += _DIRECTORY_ENTRY + len(header.name)
        name = header.name.decode("utf-8", "replace")
        if header.packed is None:
            return _cut(file, header.begin + 1 + directory, f"in or after member {name}")
        position = header.begin + header.packed
        if position > file.size:
            return _cut(file, position + directory, f"in member {name}")
        whole += 1
    rest, least = (
        bytes(file.view[position : position + 4]),
        max(position + directory, file.size + 1),
    )
    if MAGIC.startswith(rest):
        return _cut(file, least, f"after {whole} whole members")
    if _DIRECTORY.startswith(rest):
        return _cut(file, least, f"in the directory; {whole} members are whole")
    return FormatError(f"{file.path}: damaged zip: no member at byte {position}{_AGAIN}")


_AGAIN = "; download or copy it again"


def _cut(file: MappedFile, least: int, where: str) -> TruncatedError:
    return TruncatedError(
        f"{file.path}: ends at byte {file.size} of at least {least} ({where}){_AGAIN}"
    )
