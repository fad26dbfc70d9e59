"""Frozen links compute as in inference, and build no graph that nobody needs."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal, get_args

import chainer
import numpy as np

from chainer_ft.errors import UsageError

_log = logging.getLogger("chainer_ft")

Statistics = Literal["still", "train"]
Dropout = Literal["off", "on"]

#: ``chainer.config.train`` as it was outside the outermost frozen link.
_OUTSIDE = "chainer_ft_train_outside"


@dataclass(frozen=True)
class Mode:
    """How a frozen link computes.

    Args:
        statistics: ``train`` leaves links that keep statistics (BatchNormalization) as they are.
        dropout: ``on`` leaves all other links as they are.
    """

    statistics: Statistics = "still"
    dropout: Dropout = "off"

    def __post_init__(self) -> None:
        _check_word("statistics", self.statistics, Statistics)
        _check_word("dropout", self.dropout, Dropout)


def _check_word(name: str, word: str, known: Any) -> None:
    if word not in get_args(known):
        raise UsageError(f"{name} is one of {', '.join(get_args(known))}, not {word!r}")


class FrozenMode(chainer.LinkHook):  # type: ignore[misc]
    """Runs the forward of a frozen link with ``chainer.config.train`` off, and without a graph.

    It is a link hook because Chainer copies, pickles and calls those with their link.

    Args:
        mode: How the link computes.
    """

    name = "chainer_ft_frozen"

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.digests: dict[str, str | None] = {}  # of the persistents, by name, at the freeze
        self._told = False

    def forward_preprocess(self, args: Any) -> None:
        """Wrap the forward that comes next."""
        link, inputs = args.link, (args.args, args.kwargs)
        outside = getattr(chainer.config, _OUTSIDE, chainer.config.train)
        train = outside and self.keeps_training(link)
        backprop = chainer.config.enable_backprop and not self._is_end(link, inputs)
        if (train, backprop) != (chainer.config.train, chainer.config.enable_backprop):
            settings = {"train": train, "enable_backprop": backprop, _OUTSIDE: outside}
            _OneForward.put(link, settings)

    def keeps_training(self, link: chainer.Link) -> bool:
        """Whether the link computes as if it were not frozen."""
        if keeps_statistics(link):
            return self.mode.statistics == "train"
        return self.mode.dropout == "on"

    def _is_end(self, link: chainer.Link, inputs: Any) -> bool:
        """Whether no gradient can go through: nothing that goes in asks for one.

        This is known of Chainer's own links without children; others may call what is not below
        them, or hold variables where nobody sees them.
        """
        if not chainer.config.enable_backprop or any(link.children()):
            return False
        if _asks(inputs, _is_leaf):
            self._tell(link)
        if type(link).__module__.split(".")[0] not in ("chainer", "chainermn"):
            return False
        state = [v for v in link.__dict__.values() if isinstance(v, chainer.Variable)]
        return not (_asks(inputs, _may_need_gradient) or _asks(state, _may_need_gradient))

    def _tell(self, link: chainer.Link) -> None:
        """Say once that a graph is built for the input's own gradient."""
        if not self._told:
            self._told = True
            _log.warning(
                "%s, frozen, is called with a Variable that asks for a gradient: backward goes "
                "through it for that alone; pass an array, or Variable(x, requires_grad=False)",
                link.name or type(link).__name__,
            )


def _asks(value: Any, what: Any) -> bool:
    """Whether a variable in a value, or in containers in it, is such a one."""
    if isinstance(value, (tuple, list, set)):
        return any(_asks(one, what) for one in value)
    if isinstance(value, dict):
        return any(_asks(one, what) for one in value.values())
    return bool(what(value))


def _may_need_gradient(value: Any) -> bool:
    if isinstance(value, chainer.Variable):
        return bool(value.requires_grad)
    return not (value is None or isinstance(value, chainer.get_array_types()) or np.isscalar(value))


def _is_leaf(value: Any) -> bool:
    return (
        isinstance(value, chainer.Variable)
        and not isinstance(value, chainer.Parameter)
        and value.requires_grad
        and value.creator is None
    )


_lock = threading.Lock()


class _OneForward:
    """The next forward of one link in each thread, under settings.

    Link hooks are not told of an exception in a forward, and no setting must survive one; so it
    is the forward itself that sets them, once.
    """

    def __init__(self, link: chainer.Link, own: Any) -> None:
        self.link, self.own = link, own
        self.waiting: dict[int, dict[str, bool]] = {}  # settings by thread

    @classmethod
    def put(cls, link: chainer.Link, settings: dict[str, bool]) -> None:
        """Let the next forward of a link in this thread be under settings."""
        with _lock:
            known = link.__dict__.get("forward")
            one = known if isinstance(known, cls) else cls(link, known)
            one.waiting[threading.get_ident()] = settings
            link.__dict__["forward"] = one

    def _take(self) -> dict[str, bool]:
        """The settings of this thread, which are used up."""
        with _lock:
            settings = self.waiting.pop(threading.get_ident(), {})
            if not self.waiting and self.link.__dict__.get("forward") is self:
                del self.link.__dict__["forward"]
                if self.own is not None:
                    self.link.__dict__["forward"] = self.own
        return settings

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        cls, settings = type(self.link), self._take()
        forward = cls.forward.__get__(self.link, cls) if self.own is None else self.own
        with ExitStack() as stack:
            for name, value in settings.items():
                stack.enter_context(chainer.using_config(name, value))
            return forward(*args, **kwargs)


def keeps_statistics(link: chainer.Link) -> bool:
    """Whether a link moves statistics of its own while it trains, as BatchNormalization does."""
    return "avg_mean" in link._persistent
