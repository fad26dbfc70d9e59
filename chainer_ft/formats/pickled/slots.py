"""What was found in a pickle as entries, and where the numbers of each are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainer_ft.formats.pickled.arrays import ArrayRef, Arrays, NoArray
from chainer_ft.formats.pickled.describe import printable
from chainer_ft.formats.pickled.links import Found
from chainer_ft.types import Entry

_UNINITIALISED = "uninitialised parameter or None"
_NO_ARRAY = "a Python object, not an array"


@dataclass(frozen=True, eq=False)
class Slot:
    """One entry and where its numbers come from: the stream, or the record itself."""

    entry: Entry
    ref: ArrayRef | None = None
    number: np.ndarray | None = None


def slots_of(found: Iterable[Found], arrays: Arrays) -> tuple[dict[str, Slot], list[str]]:
    """Slots by path, and the paths that no entry can have, or not a second one."""
    owners: dict[int, str] = {}
    slots: dict[str, Slot] = {}
    left_out = []
    for one in found:
        path = "/" + "/".join(one.names)
        arrays.texts.spend(len(path))
        if path in slots or path.endswith("/") or "//" in path:
            left_out.append(path)
        else:
            slots[path] = _slot(path, one, owners, arrays)
    return slots, left_out


def _slot(path: str, one: Found, owners: dict[int, str], arrays: Arrays) -> Slot:
    link_type = None if one.link_type is None else printable(one.link_type)
    made = Entry(path, None, None, one.kind, link_type)
    ref = arrays.find_quietly(one.value)
    if isinstance(ref, NoArray):
        return Slot(replace(made, shape=ref.shape, note=ref.why))
    is_variable = arrays.is_variable(one.value)
    if ref is not None or is_variable:
        owner = owners.setdefault(id(one.value), path)  # one Variable, not one array
        made = replace(made, shared_with=None if owner == path else owner)
    if ref is not None:
        return Slot(replace(made, shape=ref.shape, dtype=ref.dtype), ref)
    number = _number(one.value, arrays)
    if number is not None:
        return Slot(replace(made, shape=(), dtype=number.dtype), number=number)
    is_empty = is_variable or one.missing or one.value is None
    return Slot(replace(made, note=_UNINITIALISED if is_empty else _NO_ARRAY))


def _number(value: Any, arrays: Arrays) -> np.ndarray | None:
    if isinstance(value, list) and len(value) == 1:  # Chainer 1.4 kept N in a list
        value = value[0]
    text = arrays.texts.string(value)
    return number_of(value) if text is None else np.asarray(text)


def number_of(value: Any) -> np.ndarray | None:
    """A Python number as a 0-d array, as Chainer saves it; ``None`` for what is none."""
    if isinstance(value, (bool, int, float)):
        array = np.asarray(value)
        return None if array.dtype == object else array
    return None
