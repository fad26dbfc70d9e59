"""The header of one ``.npy`` array: parsed without NumPy's own, so that nothing is allocated."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from math import prod

import numpy as np

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats.mapped import fresh

MAGIC = b"\x93NUMPY"
HEADER_LIMIT = 1 << 16  # what version 1.0 can hold; longer ones only occur with vast records
_LITERAL_LIMIT = 10_000  # as NumPy: Python's parser is not made for hostile text
_MAX_NDIM = 64
# What numpy.dtype.str can be. NumPy itself takes much more, "f4,(2000000000,)i4" for one.
_DTYPE = re.compile(r"[<>|=]?[?biufcmMOSUV]\d{0,9}(\[\d{0,9}[A-Za-z]{1,7}\])?")
_USUAL = re.compile(
    rb"[ \n]*\{[ \n]*'descr':[ \n]*'([^'\\]{1,40})',[ \n]*'fortran_order':[ \n]*(True|False),[ \n]*"
    rb"'shape':[ \n]*\(((?:[0-9]{1,20}L?, ?){0,64}(?:[0-9]{1,20}L?)?)\),?[ \n]*\}[ \n]*"
)


@dataclass(frozen=True)
class NpyHeader:
    """What stands before the numbers.

    Args:
        dtype: Of the stored array.
        shape: Of the stored array.
        fortran_order: Whether the numbers are stored column by column.
        data_offset: Where the numbers begin, counted from the magic.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran_order: bool
    data_offset: int

    @property
    def is_object(self) -> bool:
        """Whether the numbers are a pickle."""
        return self.dtype.hasobject

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers."""
        return prod(self.shape) * self.dtype.itemsize


def header_length(head: bytes, where: str) -> int:
    """Length of magic, version and header together, from the first 12 bytes."""
    if head[:6] != MAGIC or len(head) < 10:
        raise FormatError(f"{where}: is not a .npy array (no magic)")
    if head[6] == 1 and head[7] == 0:
        length = 10 + int.from_bytes(head[8:10], "little")
    elif head[6] in (2, 3) and head[7] == 0 and len(head) >= 12:
        length = 12 + int.from_bytes(head[8:12], "little")
    else:
        raise FormatError(f"{where}: .npy version {head[6]}.{head[7]} is unknown")
    if length > HEADER_LIMIT + 12:
        raise UnsafeError(f"{where}: declares a header of {length} bytes")
    return length


def parse_header(head: bytes, where: str) -> NpyHeader:
    """Parse a whole header.

    Args:
        head: At least :func:`header_length` bytes.
        where: File and member, for messages.

    Raises:
        FormatError: The header is not one that NumPy writes.
        UnsafeError: The array that it declares cannot exist.
    """
    length = header_length(head, where)
    if len(head) < length:
        raise FormatError(f"{where}: the header ends at byte {len(head)} of {length}")
    text = head[10 if head[6] == 1 else 12 : length]
    descr, fortran_order, shape = _usual(text) or _unusual(text, head[6], where)
    return NpyHeader(_dtype(descr, where), _shape(shape, where), fortran_order, length)


def empty(header: NpyHeader, where: str) -> np.ndarray:
    """An uninitialised array for the header, in its memory order."""
    try:
        return fresh(header.shape, header.dtype, header.fortran_order)
    except (ValueError, MemoryError, OSError, OverflowError) as error:
        raise UnsafeError(f"{where}: shape {header.shape} cannot be allocated: {error}") from error


def _usual(text: bytes) -> tuple[object, bool, object] | None:
    match = _USUAL.fullmatch(text)
    if match is None:
        return None
    sizes = re.findall(rb"[0-9]+", match[3])  # Python 2 wrote 3L
    no_tuple = len(sizes) == 1 and b"," not in match[3]
    if no_tuple or any(size != b"%d" % int(size) for size in sizes):
        return None  # (3) or 03: for Python's own parser to refuse
    return match[1].decode("latin-1"), match[2] == b"True", tuple(map(int, sizes))


def _unusual(text: bytes, version: int, where: str) -> tuple[object, bool, object]:
    """Records and other spellings, as a Python literal (which runs nothing)."""
    if len(text) > _LITERAL_LIMIT:
        raise UnsafeError(f"{where}: declares a header of {len(text)} bytes")
    source = text.decode("utf-8" if version == 3 else "latin-1", "replace")
    source = re.sub(r"(?<=[(, ])(\d+)L(?=[,) ])", r"\1", source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fields = ast.literal_eval(source.strip(" \n"))
        return fields["descr"], bool(fields["fortran_order"]), fields["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise FormatError(f"{where}: the .npy header cannot be read") from error


def _dtype(descr: object, where: str) -> np.dtype:
    shown = _shown(descr)
    if isinstance(descr, str) and not _DTYPE.fullmatch(descr):
        raise FormatError(f"{where}: unknown dtype {shown}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fields = [tuple(field) for field in descr] if isinstance(descr, list) else str(descr)
            dtype = np.dtype(fields)
    except Exception as error:  # NumPy raises nearly anything on a strange descr
        raise FormatError(f"{where}: unknown dtype {shown}") from error
    assert isinstance(dtype, np.dtype)
    if not dtype.itemsize:
        raise FormatError(f"{where}: dtype {shown} has no size")
    return dtype


def _shape(shape: object, where: str) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise FormatError(f"{where}: {_shown(shape)} is not a shape")
    if len(shape) > _MAX_NDIM or prod(n for n in shape if n) >= 1 << 62:
        raise UnsafeError(f"{where}: shape {_shown(shape)} cannot exist")
    return shape


def _shown(thing: object) -> str:
    """A short repr; numbers of thousands of digits have none."""
    try:
        text = repr(thing)
    except (ValueError, RecursionError):
        return "(a huge number)"
    return text if len(text) <= 60 else text[:60] + "..."
