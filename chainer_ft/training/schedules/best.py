"""The weights of the best check, kept on the host until the phase ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import chainer
import numpy as np

from chainer_ft.links import Slot, identity, slots, write
from chainer_ft.training.half_precision import forget_master
from chainer_ft.training.proof import frozen_slots, params_of


def kept(model: chainer.Link) -> dict[str, np.ndarray]:
    """Copies of all parameters and persistents that may change, by path.

    Example:
        >>> model = chainer.links.Linear(3, 2)
        >>> sorted(kept(model))
        ['/W', '/b']
    """
    return {slot.path: _copy(slot) for slot in _changing(model)}


def give_back(model: chainer.Link, arrays: Mapping[str, np.ndarray]) -> None:
    """Write kept arrays into the model; optimizer state stays as it is."""
    write(model, [(path, array.copy()) for path, array in arrays.items()])
    for path, param in params_of(model).items():
        if path in arrays:
            forget_master(param)


def _changing(model: chainer.Link) -> Iterator[Slot]:
    still = {slot.path for slot in frozen_slots(model)}
    seen: set[object] = set()
    for slot in slots(model):
        key = identity(slot)
        if slot.path in still or key in seen or not _is_numeric(slot):
            continue
        seen.add(key)
        yield slot


def _is_numeric(slot: Slot) -> bool:
    array = slot.array
    if hasattr(array, "dtype"):
        return bool(array.dtype.kind in "biufc")
    return isinstance(array, (bool, int, float, complex))


def _copy(slot: Slot) -> np.ndarray:
    array = slot.array
    if isinstance(array, chainer.get_array_types()):
        array = chainer.backend.CpuDevice().send(array)
    return np.array(array, order="C")
