"""How one object is put back as it is now, bit for bit, without what is in it."""

from __future__ import annotations

import random
import types
from collections import deque
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import chainer
import numpy as np

Undo = Callable[[], object]

#: A method of objects that read ahead in a thread or a process: it returns a function that brings
#: the object back to where it is now. Nothing in such an object is looked at.
OWN_WAY = "chainer_ft_remember"

#: What has its own way back to an earlier state.
_GENERATORS: dict[type, Callable[[Any], Undo]] = {
    np.random.RandomState: lambda r: partial(r.set_state, r.get_state(legacy=False)),
    np.random.BitGenerator: lambda r: partial(setattr, r, "state", r.state),
    random.Random: lambda r: partial(r.setstate, r.getstate()),
}


def undo_of(value: Any) -> list[Undo]:
    """What puts an object back: an array, a container, a random generator, slots.

    An object that knows how itself says so by :data:`OWN_WAY`. Attributes in a ``__dict__`` are
    that dictionary's.

    Example:
        >>> values = [1, 2]
        >>> (undo,) = undo_of(values)
        >>> values.append(3)
        >>> undo()
        >>> values
        [1, 2]
    """
    if hasattr(type(value), OWN_WAY):
        return [getattr(value, OWN_WAY)()]
    if isinstance(value, array_types()):
        return _array(value)
    if isinstance(value, (dict, list, set, deque)):
        return [container(value)]
    if isinstance(value, types.CellType):
        return [partial(setattr, value, "cell_contents", one) for one in contents(value)]
    made: list[Undo] = [
        make(value) for kind, make in _GENERATORS.items() if isinstance(value, kind)
    ]
    return made + [partial(object.__setattr__, value, *pair) for pair in slots_of(value)]


def _array(array: Any) -> list[Undo]:
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        return []
    device = chainer.backend.get_device_from_array(array)
    with chainer.using_device(device):
        saved = array.copy()

    def undo() -> None:
        with chainer.using_device(device):
            array[...] = saved

    return [undo]


def container(value: Any) -> Undo:
    """What puts the members of a dictionary, list, set or deque back, in their order."""
    saved = _members(value)

    def undo() -> None:
        now = _members(value)
        if len(now) == len(saved) and all(map(_same, now, saved)):
            return
        value.clear()
        for one in saved:
            _ADD[next(kind for kind in _ADD if isinstance(value, kind))](value, one)

    return undo


#: One by one, because the ``update`` of a Counter adds up.
_ADD: dict[type, Callable[[Any, Any], None]] = {
    dict: lambda value, item: value.__setitem__(*item),
    list: lambda value, one: value.append(one),
    deque: lambda value, one: value.append(one),
    set: lambda value, one: value.add(one),
}


def _members(value: Any) -> list[Any]:
    return list(value.items()) if isinstance(value, dict) else list(value)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b) == 2:
        return a[0] is b[0] and a[1] is b[1]  # an item of a dictionary is a new tuple each time
    return a is b


def contents(cell: types.CellType) -> list[Any]:
    """What a closure's variable refers to; nothing where it has no value yet."""
    try:
        return [cell.cell_contents]
    except ValueError:
        return []


def slots_of(value: Any) -> list[tuple[str, Any]]:
    """Attributes that are kept in ``__slots__``."""
    names = _slot_names(type(value))  # type: ignore[arg-type]  # a class does have a hash
    return [(name, getattr(value, name)) for name in names if hasattr(value, name)]


@cache
def _slot_names(cls: type) -> tuple[str, ...]:
    found = [vars(base).get("__slots__", ()) for base in cls.__mro__]
    names = (name for one in found for name in ((one,) if isinstance(one, str) else one))
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


@cache
def array_types() -> tuple[type, ...]:
    """Those of NumPy, and of CuPy where it is."""
    return tuple(chainer.get_array_types())


def global_generators() -> list[Undo]:
    """What puts the global random generators of Python, NumPy and CuPy back.

    The state of CuPy's cannot be read: they are put aside, and new ones stand in for them.
    """
    undo: list[Undo] = [
        partial(random.setstate, random.getstate()),
        partial(np.random.set_state, np.random.get_state(legacy=False)),
    ]
    return undo + (_stand_in_for_cupy() if chainer.backends.cuda.available else [])


def _stand_in_for_cupy() -> list[Undo]:
    cupy = chainer.backends.cuda.cupy
    states = cupy.random._generator._random_states
    undo, devices = container(states), list(states)
    states.clear()
    for device in devices:
        with cupy.cuda.Device(device):
            cupy.random.seed(0)
    return [undo]
