"""Which slots of a link are one array, and which only lie on the same memory."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from chainer_ft.errors import ArrayError
from chainer_ft.links.walk import Slot


def identity(slot: Slot) -> object:
    """Equal for slots that are one array. Numbers are never shared."""
    array, value = slot.array, slot.value
    if array is None:
        return id(value) if slot.kind == "param" else slot.path
    if isinstance(value, (list, tuple)):  # its array is a new one at each look
        return slot.path
    if isinstance(array, np.ndarray) and array.size:
        return array.ctypes.data, array.shape, array.strides, array.dtype.str
    return id(array) if hasattr(array, "shape") and not np.isscalar(array) else slot.path


def check_overlap(chosen: Sequence[Slot]) -> None:
    """Refuse arrays that share memory without being one array: writing one would change the other.

    Raises:
        ArrayError: Two of them do; names both.
    """
    spans = [
        (slot.array.ctypes.data, slot.array.ctypes.data + slot.array.nbytes, slot)
        for slot in chosen
        if isinstance(slot.array, np.ndarray) and slot.array.size
    ]
    spans.sort(key=lambda span: span[:2])
    for (_, end, one), (start, _, other) in pairwise(spans):
        shares = start < end and np.shares_memory(one.array, other.array)
        if shares and identity(one) != identity(other):
            raise ArrayError(
                f"{one.path} and {other.path} lie on the same memory and are not one array; give "
                f"one of them an array of its own, or --skip it"
            )
