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
from chainer_ft.training.undo import OWN_WAY, Undo, contents, global_generators, slots_of, undo_of

#: Nothing in these changes, or nothing that a training step changes.
_ATOMS = (
    *(type, types.ModuleType, str, bytes, int, float, complex, np.generic, np.dtype),
    *(Logger, chainer.training.Trainer),
)

#: What runs beside the training, or leads to what does.
_ALIVE = (threading.Thread, BaseProcess, subprocess.Popen, Connection, socket.socket)

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
        todo = [(root, name)]
        while todo:
            value, where = todo.pop()
            if value is None or isinstance(value, _ATOMS) or id(value) in self.seen:
                continue
            self.seen[id(value)] = value
            if not (is_data and _is_bulk(value)):
                _check(value, where)
                self.undo += undo_of(value)
                todo += _inside(value, where)


def _is_bulk(value: Any) -> bool:
    if isinstance(value, chainer.get_array_types()):
        return True
    return isinstance(value, (list, tuple, dict, set, frozenset, deque)) and len(value) > _DATA


def _check(value: object, where: str) -> None:
    built_in = not hasattr(value, "__dict__") and not slots_of(value)
    if isinstance(value, _ALIVE) or (built_in and isinstance(value, Iterator)):
        raise UsageError(
            f"{where} is a {type(value).__name__}, which cannot be put back as it was; if it is "
            "an iterator's, give another for this alone: "
            "iterator=chainer.iterators.SerialIterator(dataset, batch_size)"
        )


def _inside(value: Any, where: str) -> list[tuple[Any, str]]:
    """What an object refers to, and what to call it."""
    if hasattr(type(value), OWN_WAY):
        return []
    if isinstance(value, types.FunctionType):
        return [(cell, where) for cell in value.__closure__ or ()]
    if isinstance(value, types.CellType):
        return [(one, where) for one in contents(value)]
    if isinstance(value, (types.MethodType, types.BuiltinMethodType)):
        return [(value.__self__, where), (getattr(value, "__func__", None), where)]
    if isinstance(value, functools.partial):
        return [(value.func, where), (value.args, where), (value.keywords, where)]
    if isinstance(value, np.random.Generator):
        return [(value.bit_generator, where)]
    return [*_members(value, where), *_attributes(value, where)]


def _members(value: Any, where: str) -> list[tuple[Any, str]]:
    if isinstance(value, dict):
        return [(one, f"{where}.{key}") for key, one in value.items()]
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return [(one, f"{where}[{i}]") for i, one in enumerate(value)]
    return []


def _attributes(value: Any, where: str) -> list[tuple[Any, str]]:
    own = getattr(value, "__dict__", None)
    kept = [(own, where)] if isinstance(own, dict) else []
    return [*kept, *((one, f"{where}.{name}") for name, one in slots_of(value))]
