"""All that training steps change, remembered and put back in place, bit for bit.

Objects stay who they are: whoever refers to one finds it as it was. Chainer's serializers would
not do: they leave out gradients, hooks, hyperparameters, the state of a recurrent link, and
whether a lazy parameter has an array yet.
"""

from __future__ import annotations

import functools
import socket
import subprocess
import threading
import types
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from logging import Logger
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import chainer
import numpy as np

from chainer_ft.errors import UsageError
from chainer_ft.training.undo import (
    OWN_WAY,
    Undo,
    array_types,
    contents,
    global_generators,
    slots_of,
    undo_of,
)

#: Nothing in these changes, or nothing that a training step changes.
_ATOMS = (
    *(type, types.ModuleType, str, bytes, int, float, complex, np.generic, np.dtype),
    *(Logger, chainer.training.Trainer),
)

#: What runs beside the training, or leads to what does.
_ALIVE = (threading.Thread, BaseProcess, subprocess.Popen, Connection, socket.socket)

#: Where an object is: where it is in, and under which key there.
Trail = tuple[Any, object]

#: Longer containers in a data set are data.
_DATA = 1000


@contextmanager
def remembering(
    root: object, name: str, datasets: Iterable[object] = (), leave: Iterable[object] = ()
) -> Iterator[None]:
    """Put all that can be reached from an object back when the block ends, however it ends.

    That is arrays, containers, attributes, closures and random generators, and the global random
    generators of Python, NumPy and CuPy. It takes as much memory again as the arrays.

    Args:
        root: The updater, say.
        name: What to call it in messages.
        datasets: Of these, attributes and random generators, and no arrays.
        leave: Objects that are not looked into.

    Raises:
        UsageError: Something could not be put back: a generator, a thread, a process. A class that
            holds one can have a way of its own, see :data:`~chainer_ft.training.undo.OWN_WAY`.

    Example:
        >>> import chainer
        >>> link = chainer.links.Linear(None, 2)
        >>> with remembering(link, "the link"):
        ...     _ = link(np.zeros((1, 3), np.float32))
        >>> link.W.array is None
        True
    """
    datasets = list(datasets)
    walk = _Walk([*leave, *datasets])
    walk.visit(root, name)
    for dataset in datasets:
        del walk.seen[id(dataset)]
        walk.visit(dataset, f"the data set of {name}", is_data=True)
    undo = [*walk.undo, *global_generators()]
    try:
        yield
    finally:
        for put_back in undo:
            put_back()


class _Walk:
    """Finds what can change, each object once."""

    def __init__(self, leave: Iterable[object]) -> None:
        self.seen = {id(value): value for value in leave}  # alive, so that no other gets its id
        self.undo: list[Undo] = []

    def visit(self, root: object, name: str, is_data: bool = False) -> None:
        todo: list[tuple[Any, Trail]] = [(root, (None, name))]
        while todo:
            value, trail = todo.pop()
            if value is None or isinstance(value, _ATOMS) or id(value) in self.seen:
                continue
            self.seen[id(value)] = value
            if not (is_data and _is_bulk(value)):
                _check(value, trail)
                self.undo += undo_of(value)
                todo += [(one, (trail, key)) for one, key in _inside(value)]


def _is_bulk(value: Any) -> bool:
    if isinstance(value, array_types()):
        return True
    return isinstance(value, (list, tuple, dict, set, frozenset, deque)) and len(value) > _DATA


def _check(value: object, trail: Trail) -> None:
    built_in = not hasattr(value, "__dict__") and not slots_of(value)
    if isinstance(value, _ALIVE) or (built_in and isinstance(value, Iterator)):
        raise UsageError(
            f"{_words(trail)} is a {type(value).__name__}, which cannot be put back as it was; if "
            "it is an iterator's, give another for this alone: iterator="
            "chainer.iterators.SerialIterator(dataset, batch_size); if steps do not change what "
            "it belongs to, leave that out: leave=[...]"
        )


def _words(trail: Trail) -> str:
    above, key = trail
    if above is None or key is None:
        return str(key) if above is None else _words(above)
    return f"{_words(above)}[{key}]" if isinstance(key, int) else f"{_words(above)}.{key}"


def _inside(value: Any) -> Iterable[tuple[Any, object]]:
    """What an object refers to, each with its key or attribute, if there is one."""
    if hasattr(type(value), OWN_WAY):
        return []
    if isinstance(value, dict):
        return [*((one, key) for key, one in value.items()), *_attributes(value)]
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return [*((one, i) for i, one in enumerate(value)), *_attributes(value)]
    return [*((one, None) for one in _called(value)), *_attributes(value)]


def _called(value: Any) -> list[Any]:
    """What a function, a method or a generator works on."""
    if isinstance(value, types.FunctionType):
        return [*(value.__closure__ or ())]
    if isinstance(value, types.CellType):
        return contents(value)
    if isinstance(value, (types.MethodType, types.BuiltinMethodType)):
        return [value.__self__, getattr(value, "__func__", None)]
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    return [value.bit_generator] if isinstance(value, np.random.Generator) else []


def _attributes(value: Any) -> list[tuple[Any, object]]:
    own = getattr(value, "__dict__", None)
    kept: list[tuple[Any, object]] = [(own, None)] if isinstance(own, dict) else []
    return [*kept, *((one, name) for name, one in slots_of(value))]
