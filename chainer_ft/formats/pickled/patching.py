"""Fill the arrays of an existing pickle by replacing their bytes; everything else stays.

The lab's own code then loads its own class with the new weights.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.arrays import ArrayRef
from chainer_ft.formats.pickled.records import Raw
from chainer_ft.formats.pickled.source import PickleSource
from chainer_ft.types import Source

_PIECE = 1 << 22
_OTHERWISE = "write the result elsewhere: -o out.npz"


@dataclass(frozen=True)
class Patch:
    """New bytes for a part of the stream.

    Args:
        start: Where the old bytes begin.
        end: Where they end.
        content: What comes in their place.
    """

    start: int
    end: int
    content: bytes | memoryview


def save(path: str, source: Source, *, provenance: Any = None, compress: bool = False) -> None:
    """Write an existing pickle with other numbers in its arrays.

    Args:
        path: The new file.
        source: What a plan makes of an existing pickle; it knows the file it replaces.
        provenance: Not kept: a pickle has no room for it that its class would not see.
        compress: Not done.

    Raises:
        FormatError: There is no pickle to fill, or its stream cannot be patched; says why.
    """
    base = checked(path, source.base)
    patches = sorted(_patches(base, source), key=lambda patch: patch.start)
    with open(path, "wb") as file:
        _write(file, base, patches)


def checked(path: str, base: Source | None) -> PickleSource:
    """The pickle to fill.

    Raises:
        FormatError: It is none, or not one that its bytes can be replaced in.
    """
    if not isinstance(base, PickleSource):
        raise FormatError(
            f"{path}: a pickle can be filled and not made, since making one needs its class; copy "
            "into an existing one, or write an .npz"
        )
    if not base.whole:
        raise FormatError(f"{base.name}: is packed or a part of a file; {_OTHERWISE}")
    return base


def _patches(base: PickleSource, source: Source) -> Iterator[Patch]:
    shared = _users(base)
    done: dict[int, bytes] = {}
    for path in source.replaced:
        array = source.read(path)
        slot = base.slot(path)
        where = f"{base.name}::{path}"
        if slot.number is not None:
            _must_equal(slot.number, array, where)
            continue
        ref = slot.ref
        if ref is None:
            raise FormatError(f"{where}: has no array in the pickle to fill; {_OTHERWISE}")
        numbers = array.tobytes("F" if ref.fortran else "C")
        if ref.raw is None or not numbers:
            continue
        before = done.setdefault(id(ref.raw), numbers)
        if shared[id(ref.raw)] > 1 or before != numbers or base.is_fetched(ref):
            raise FormatError(f"{where}: shares its bytes with another array; {_OTHERWISE}")
        if before is numbers:  # a second name of one array needs no second patch
            yield _patch(base, ref, ref.raw, numbers, where)


def _must_equal(stored: np.ndarray, array: np.ndarray, where: str) -> None:
    """A number is spelled in the opcodes themselves, where another one may not fit."""
    if stored.tobytes() != np.asarray(array, stored.dtype).tobytes():
        raise FormatError(
            f"{where}: is the number {stored} in the pickle's own code and cannot become {array}; "
            f"--skip it, or {_OTHERWISE}"
        )


def _users(base: PickleSource) -> Counter[int]:
    """How many arrays of the stream, weights or not, stand on the same bytes."""
    places = {(id(ref.raw), ref.record.offset) for ref in base.all_arrays()}
    return Counter(raw for raw, _ in places)


def _patch(base: PickleSource, ref: ArrayRef, raw: Raw, numbers: bytes, where: str) -> Patch:
    if ref.is_plain:
        return Patch(raw.start, raw.end, numbers)
    if raw.coding == "escaped":
        quote = bytes(base.data[raw.end : raw.end + 1])
        return Patch(raw.start, raw.end, _escaped(numbers, quote))
    if raw.coding == "unicode":
        return Patch(raw.start, raw.end, _raw_unicode(numbers))
    text = numbers.decode("latin-1").encode("utf-8")
    begin = raw.start - 5
    if begin < 0 or base.data[begin : begin + 1] != b"X" or base.protocol > 3:
        raise FormatError(f"{where}: is text in a frame and cannot be replaced; {_OTHERWISE}")
    if len(text) >= 1 << 32:
        raise FormatError(f"{where}: would be longer than protocol 2 can write; {_OTHERWISE}")
    return Patch(begin, raw.end, b"X" + len(text).to_bytes(4, "little") + text)


def _escaped(numbers: bytes, quote: bytes) -> bytes:
    """As Python 2's ``repr`` of a str, between quotes of the given kind."""
    text = bytes(codecs.escape_encode(numbers)[0])  # escapes single quotes
    return text if quote == b"'" else text.replace(b'"', b"\\x22")


def _raw_unicode(numbers: bytes) -> bytes:
    """As Python 3's protocol 0 writes text: what would end the line is spelled out."""
    text = numbers.replace(b"\\", b"\\u005c")
    for byte in (b"\x00", b"\n", b"\r", b"\x1a"):
        text = text.replace(byte, b"\\u%04x" % byte[0])
    return text


def _write(file: IO[bytes], base: PickleSource, patches: Iterable[Patch]) -> None:
    position = 0
    for patch in patches:
        _copy(file, base, position, patch.start)
        file.write(patch.content)
        position = patch.end
    _copy(file, base, position, len(base.data))


def _copy(file: IO[bytes], base: PickleSource, start: int, end: int) -> None:
    for position in range(start, end, _PIECE):
        file.write(base.data[position : min(position + _PIECE, end)])
