"""Frozen links compute as in inference: statistics stay, dropout is off."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import chainer

from chainer_ft.errors import UsageError
from chainer_ft.links import named_links, slots

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


class FrozenMode(chainer.LinkHook):  # type: ignore[misc]
    """Runs the forward of a link with ``chainer.config.train`` off.

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
        self._check_inputs(args.link, args.args)
        outside = getattr(chainer.config, _OUTSIDE, chainer.config.train)
        train = outside and self.keeps_training(args.link)
        if train != chainer.config.train:
            _wrap(args.link, train, outside)

    def keeps_training(self, link: chainer.Link) -> bool:
        """Whether the link computes as if it were not frozen."""
        if keeps_statistics(link):
            return self.mode.statistics == "train"
        return self.mode.dropout == "on"

    def _check_inputs(self, link: chainer.Link, inputs: tuple[Any, ...]) -> None:
        """Say once that a graph is built for the input's own gradient."""
        if not self._told and chainer.config.enable_backprop and any(map(_is_leaf, inputs)):
            self._told = True
            _log.warning(
                "%s, frozen, is called with a Variable that asks for a gradient: backward goes "
                "through it for that alone; pass an array, or Variable(x, requires_grad=False)",
                link.name or type(link).__name__,
            )


def _is_leaf(value: Any) -> bool:
    return (
        isinstance(value, chainer.Variable)
        and not isinstance(value, chainer.Parameter)
        and value.requires_grad
        and value.creator is None
    )


def _check_word(name: str, word: str, known: Any) -> None:
    if word not in get_args(known):
        raise UsageError(f"{name} is one of {', '.join(get_args(known))}, not {word!r}")


class _OneForward:
    """The next forward of one link, with ``train`` set.

    Link hooks are not told of an exception in a forward, and the setting must not survive one;
    so it is the forward itself that sets it, once.
    """

    def __init__(self, link: chainer.Link, train: bool, outside: bool) -> None:
        self.link, self.train, self.outside = link, train, outside
        self.own = link.__dict__.get("forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        del self.link.__dict__["forward"]
        if self.own is not None:
            self.link.__dict__["forward"] = self.own
        with (
            chainer.using_config("train", self.train),
            chainer.using_config(_OUTSIDE, self.outside),
        ):
            return self.link.forward(*args, **kwargs)


def _wrap(link: chainer.Link, train: bool, outside: bool) -> None:
    if not isinstance(link.__dict__.get("forward"), _OneForward):
        link.__dict__["forward"] = _OneForward(link, train, outside)


def keeps_statistics(link: chainer.Link) -> bool:
    """Whether a link moves statistics of its own while it trains, as BatchNormalization does."""
    return "avg_mean" in link._persistent


def hook_of(link: chainer.Link) -> FrozenMode | None:
    """The hook of a frozen link, ``None`` for one that is not frozen as a whole."""
    if link._local_link_hooks is None:
        return None
    hook = link._local_link_hooks.get(FrozenMode.name)
    return hook if isinstance(hook, FrozenMode) else None


def mode_of(link: chainer.Link) -> Mode | None:
    """The mode of a frozen link, ``None`` for one that is not frozen as a whole."""
    hook = hook_of(link)
    return None if hook is None else hook.mode


def trains(link: chainer.Link) -> bool:
    """Whether a link's persistents move in training."""
    hook = hook_of(link)
    return hook is None or (keeps_statistics(link) and hook.keeps_training(link))


def set_mode(link: chainer.Link, mode: Mode | None) -> None:
    """Give a link a mode, or take it away.

    ``Link.copy`` lets two links share their dictionary of hooks; each gets its own here.
    """
    if mode_of(link) == mode:
        return
    hooks = link.local_link_hooks.copy()
    hooks.pop(FrozenMode.name, None)
    if mode is not None:
        hooks[FrozenMode.name] = FrozenMode(mode)
    link._local_link_hooks = hooks or None


def whole_links(
    model: chainer.Link,
    params: set[str],
    named: Callable[[str, chainer.Link], Mode | None],
    default: Mode | None = None,
) -> dict[str, Mode]:
    """Modes of the links that are frozen as a whole, by path.

    Whole means that every parameter below is frozen, and so is every link without parameters
    that keeps statistics.

    Args:
        model: The model.
        params: Paths of the frozen parameters.
        named: The mode that a link was given by name, if it was.
        default: Mode of links that are whole because everything below them is.
    """
    links = dict(named_links(model))
    modes = {path: named(path, link) for path, link in links.items()}
    live = [s.path for s in slots(model) if s.kind == "param" and s.path not in params]
    live += [p for p, one in links.items() if _is_only_statistics(one) and modes[p] is None]
    full = [s.path for s in slots(model)]
    whole = {}
    for path in links:
        mode = modes[path] or (default if _any_below(path, full) else None)
        if mode is not None and not _any_below(path, live):
            whole[path] = mode
    return whole


def _is_only_statistics(link: chainer.Link) -> bool:
    return keeps_statistics(link) and not link._params


def _any_below(link: str, paths: list[str]) -> bool:
    prefix = link.rstrip("/") + "/"
    return any(path == link or path.startswith(prefix) for path in paths)


def ignores_mode(link: chainer.Link) -> bool:
    """Whether a link is called around Chainer's own ``Link.__call__``, and hooks never run."""
    return type(link).__call__ is not chainer.Link.__call__
