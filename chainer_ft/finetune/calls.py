"""Stand between a model and Chainer's functions: every one of them is called through one method."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Protocol

from chainer import FunctionNode, Link

_MARK = "_chainer_ft_heard"
_local = threading.local()

Plain = Callable[[], tuple[Any, ...]]


class Listener(Protocol):
    """What is told of each function instead of it being called."""

    def call(self, function: FunctionNode, inputs: Sequence[Any], plain: Plain) -> tuple[Any, ...]:
        """Give the outputs of a function; ``plain()`` calls it.

        What the function itself calls is told to its attribute ``inner``, if there is one. One
        with a method ``link(link, plain)`` is told of the forward of each link, too.
        """


@contextmanager
def heard_by(listener: Listener | None) -> Iterator[None]:
    """Tell a listener of the functions that this thread calls."""
    _install()
    before = getattr(_local, "listener", None)
    _local.listener = listener
    try:
        yield
    finally:
        _local.listener = before


def _install() -> None:
    if not hasattr(FunctionNode.apply, _MARK):
        FunctionNode.apply = _heard(FunctionNode.apply)
        Link.__call__ = _heard_link(Link.__call__)


def _heard_link(plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def __call__(self: Link, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        tell = getattr(getattr(_local, "listener", None), "link", None)
        if tell is None:
            return plain(self, *args, **kwargs)
        return tell(self, lambda: plain(self, *args, **kwargs))

    return __call__


def _heard(plain: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    @wraps(plain)
    def apply(self: FunctionNode, inputs: Sequence[Any]) -> tuple[Any, ...]:
        listener: Listener | None = getattr(_local, "listener", None)
        if listener is None:
            return plain(self, inputs)
        _local.listener = getattr(listener, "inner", None)
        try:
            return listener.call(self, inputs, lambda: plain(self, inputs))
        finally:
            _local.listener = listener

    setattr(apply, _MARK, True)
    return apply
