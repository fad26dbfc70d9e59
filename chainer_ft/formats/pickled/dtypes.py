"""Dtypes of a pickle, made from their records; only those that hold plain numbers and strings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainer_ft.formats.pickled.records import Call
from chainer_ft.formats.pickled.texts import Texts

# A whitelist: "f4,(2000000000,)i4" is a dtype for NumPy, too.
_FLEXIBLE = re.compile(r"[<>|=]?([SUV])(\d{1,9})?")
_FIXED = re.compile(r"[<>|=]?(b1|\?|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32))")
_LARGEST = 1 << 30
_MOST_FIELDS = 256


@dataclass(frozen=True)
class NoArray:
    """Something that calls itself an array and cannot be read: an object array, say."""

    why: str
    shape: tuple[int, ...] | None = None


_UNKNOWN = NoArray("array of an unknown dtype")
_OBJECTS = NoArray("object array: reading it would run code")


class Dtypes:
    """Reads records of one stream as dtypes.

    Args:
        texts: Reads strings of the same stream.
    """

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self._known: dict[Call, np.dtype | NoArray] = {}

    def dtype(self, record: Any) -> np.dtype | NoArray:
        """A dtype from its record: ``numpy.dtype(code, align, copy)`` and its state."""
        if not _is_dtype(record):
            return _UNKNOWN
        if record not in self._known:
            self._known[record] = self._made(record)
        return self._known[record]

    def _made(self, record: Call, is_field: bool = False) -> np.dtype | NoArray:
        """State is ``(version, order, subarray, names, fields, itemsize, alignment, flags)``."""
        state = record.states[-1] if record.states else None
        if not isinstance(state, tuple) or len(state) < 6:
            return self._simple(record, None, -1)
        _, order, subarray, names, fields, size, *_ = state
        if subarray is not None or type(size) is not int or not -1 <= size < _LARGEST:
            return _UNKNOWN
        if names is not None:  # nested ones could multiply, or hold themselves
            return _UNKNOWN if is_field else self._structured(names, fields, size)
        return self._simple(record, self.texts.text(order), size)

    def _simple(self, record: Call, order: str | None, size: int) -> np.dtype | NoArray:
        code = self.texts.text(record.args[0]) or ""
        fixed, flexible = _FIXED.fullmatch(code), _FLEXIBLE.fullmatch(code)
        if flexible:
            width = 4 if flexible[1] == "U" else 1
            count = size // width if size >= 0 else int(flexible[2] or 0)
            if (size > 0 and size % width) or not 0 < count * width < _LARGEST:
                return _UNKNOWN
            made = np.dtype(f"{flexible[1]}{count}")
        elif fixed:
            try:
                made = np.dtype(fixed[1])
            except TypeError:  # f16 is a matter of the platform
                return _UNKNOWN
        else:
            return _OBJECTS if code.endswith(("O", "O4", "O8")) else _UNKNOWN
        return made.newbyteorder(">" if order == ">" else "<") if order in ("<", ">") else made

    def _structured(self, names: Any, fields: Any, size: int) -> np.dtype | NoArray:
        """Fields of simple dtypes, without titles."""
        if not isinstance(names, tuple) or len(names) > _MOST_FIELDS:
            return _UNKNOWN
        known = self.texts.dictionary(fields)
        keys, formats, offsets = [], [], []
        for name in map(self.texts.text, names):
            field = known.get(name or "")
            if name is None or not isinstance(field, tuple) or len(field) != 2:
                return _UNKNOWN
            inner = self._made(field[0], is_field=True) if _is_dtype(field[0]) else _UNKNOWN
            if isinstance(inner, NoArray) or type(field[1]) is not int:
                return _OBJECTS if inner is _OBJECTS else _UNKNOWN
            keys.append(name)
            formats.append(inner)
            offsets.append(field[1])
        return _joined(keys, formats, offsets, size)


def _is_dtype(record: Any) -> bool:
    return isinstance(record, Call) and record.name == "numpy.dtype" and bool(record.args)


def _joined(
    names: list[str], formats: list[np.dtype], offsets: list[int], size: int
) -> np.dtype | NoArray:
    ends = [offset + inner.itemsize for offset, inner in zip(offsets, formats, strict=True)]
    if any(end > start for end, start in zip(ends, offsets[1:], strict=False)):
        return _UNKNOWN  # overlapping or out of order: no buffer may be viewed as such
    try:
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})
    except (ValueError, TypeError, OverflowError):
        return _UNKNOWN
