"""Digests of frozen arrays: the proof that training left them alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import chainer
import numpy as np

from chainer_ft.errors import ChainerFTError
from chainer_ft.links import Slot


class FrozenChangedError(ChainerFTError):
    """An entry that is frozen is not what it was at the freeze."""


def digest(array: Any) -> str:
    """A digest of an array's dtype, shape and bits.

    Args:
        array: An array on any device, or a number; of whatever else a link may register, what is
            printed of it counts.

    Returns:
        str: 32 hexadecimal digits (BLAKE2b).

    Example:
        >>> import numpy as np
        >>> digest(np.zeros(2, "f")) == digest(np.zeros((2, 1), "f"))
        False
    """
    array = _on_host(array)
    maker = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    maker.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return maker.hexdigest()


def _on_host(value: Any) -> np.ndarray:
    if isinstance(value, chainer.get_array_types()):
        value = chainer.backend.CpuDevice().send(value)
    try:
        array = np.asarray(value)
    except ValueError:  # a list of lists of different lengths
        array = np.asarray(repr(value))
    return np.asarray(repr(value)) if array.dtype.hasobject else array


def check_unchanged(before: Mapping[str, str | None], places: Iterable[Slot]) -> None:
    """Compare entries with their digests.

    Args:
        before: Digests by path; ``None`` for what had no array.
        places: The same entries now.

    Raises:
        FrozenChangedError: A bit changed; names every such entry.
    """
    changed = [s.path for s in places if before[s.path] not in (None, _now(s))]
    if changed:
        raise FrozenChangedError(
            f"{', '.join(changed)}: frozen, and not what {_it(changed)} at the freeze; something "
            "besides the optimizer writes there. If that is meant (weights loaded after the "
            "freeze, say), freeze again after it"
        )


def _now(slot: Slot) -> str:
    return "" if slot.array is None else digest(slot.array)


def _it(changed: list[str]) -> str:
    return "it was" if len(changed) == 1 else "they were"
