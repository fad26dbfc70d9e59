"""The only writer into links. All of it or none: what fails half-way is undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import chainer
import numpy as np

from chainer_ft.links.sharing import check_overlap
from chainer_ft.links.walk import Slot, slots

_PIECE = 1 << 18


def write(link: chainer.Link, arrays: Sequence[tuple[str, np.ndarray]]) -> tuple[str, ...]:
    """Copy arrays into the parameters and persistents of a link; see :func:`written`."""
    with written(link, arrays) as initialized:
        return initialized


def initialize(parameter: chainer.Parameter, shape: tuple[int, ...]) -> None:
    """Give a lazy parameter its array, filled by its initializer."""
    parameter.initialize(shape)


@contextmanager
def written(
    link: chainer.Link, arrays: Sequence[tuple[str, np.ndarray]]
) -> Iterator[tuple[str, ...]]:
    """Copy arrays into the parameters and persistents of a link; kept if the block succeeds.

    Numbers go into the arrays that the link has, so that views of them stay views; a lazy
    parameter is initialised. The link keeps its own memory: nothing of ``arrays`` is shared.

    Args:
        link: The target, on any device.
        arrays: Paths and what goes there, of the shape and dtype of its place already, in C
            order. They are used up: each is left with the numbers that stood in its place, so
            that undoing needs no memory of its own.

    Yields:
        tuple of str: Paths that had no array before.

    Raises:
        BaseException: Whatever went wrong here or in the block; the link is then as it was, bit
            for bit.
    """
    places = {slot.path: slot for slot in slots(link)}
    check_overlap([places[path] for path, _ in arrays])
    initialized = tuple(path for path, _ in arrays if places[path].array is None)
    with ExitStack() as undo:  # whatever is left in it when an exception passes is undone
        for path, array in arrays:
            _write_one(places[path], array, undo, places)
        yield initialized
        undo.pop_all()
    _forget_master_copies([places[path] for path, _ in arrays])


def _write_one(slot: Slot, array: np.ndarray, undo: ExitStack, places: Mapping[str, Slot]) -> None:
    current = slot.array
    if isinstance(slot.value, (list, tuple)):
        before, kind = slot.value, type(slot.value)
        undo.callback(lambda: setattr(slot.link, slot.name, before))
        setattr(slot.link, slot.name, kind(array.tolist()))
    elif current is None:
        _write_new(slot, array, undo)
    elif isinstance(current, np.ndarray) and not current.flags.writeable:
        own = array.copy()
        for twin in [one for one in places.values() if one.array is current]:
            _replace(twin, current, own, undo)
    elif isinstance(current, chainer.get_array_types()) and not np.isscalar(current):
        _overwrite(current, array, undo)
    else:
        undo.callback(lambda: setattr(slot.link, slot.name, current))
        setattr(slot.link, slot.name, type(current)(array.item()))


def _overwrite(current: Any, array: np.ndarray, undo: ExitStack) -> None:
    if isinstance(current, np.ndarray) and current.flags.c_contiguous:
        _swap(current.reshape(-1), array.reshape(-1), undo)
        return
    kept = [chainer.backend.CpuDevice().send(current.copy())]
    undo.callback(lambda: _fill(current, kept[0]))
    _fill(current, array)
    array[...] = kept[0]
    kept[0] = array


def _swap(current: np.ndarray, array: np.ndarray, undo: ExitStack) -> None:
    """Exchange two flat arrays piece by piece, each small enough for the cache of a core."""
    if current.shape != array.shape:
        raise ValueError(f"cannot write {array.size} numbers into {current.size}")
    done = [0]
    undo.callback(lambda: current.__setitem__(slice(done[0]), array[: done[0]]))
    step = max(_PIECE // max(current.itemsize, 1), 1)
    for start in range(0, current.size, step):
        piece = slice(start, start + step)
        numbers = array[piece].copy()
        array[piece] = current[piece]
        done[0] = start + step  # from here on undoing gives this piece back, too
        current[piece] = numbers


def _fill(array: Any, numbers: np.ndarray) -> None:
    array[...] = chainer.backend.get_device_from_array(array).send(numbers)


def _replace(slot: Slot, current: Any, own: np.ndarray, undo: ExitStack) -> None:
    """Give a read-only array up for one of the link's own."""
    if slot.kind == "param":
        undo.callback(lambda: setattr(slot.value, "array", current))
        slot.value.array = own
    else:
        undo.callback(lambda: setattr(slot.link, slot.name, current))
        setattr(slot.link, slot.name, own)


def _write_new(slot: Slot, array: np.ndarray, undo: ExitStack) -> None:
    if slot.kind == "persistent":
        before = slot.value
        undo.callback(lambda: setattr(slot.link, slot.name, before))
        setattr(slot.link, slot.name, slot.link.device.send(array.copy()))
        return
    parameter = slot.value
    state, data = dict(parameter.__dict__), parameter._data
    content = list(data)

    def uninitialise() -> None:
        parameter.__dict__.clear()
        parameter.__dict__.update(state)
        data[:] = content  # the list itself may be shared with a copy of the link

    undo.callback(uninitialise)
    parameter.initialize(array.shape)
    parameter.array[...] = parameter.device.send(array)


def _forget_master_copies(written: Sequence[Slot]) -> None:
    """A float32 master copy that an optimizer keeps would overwrite what was just copied."""
    for slot in written:
        rule = getattr(slot.value, "update_rule", None) if slot.kind == "param" else None
        if getattr(rule, "_fp32_param", None) is not None:
            rule._fp32_param = None  # type: ignore[union-attr]
