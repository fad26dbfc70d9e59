"""Which links are frozen as a whole, and setting and taking away their mode."""

from __future__ import annotations

from collections.abc import Callable

import chainer

from chainer_ft.links import named_links, slots
from chainer_ft.training.frozen_mode import FrozenMode, Mode, keeps_statistics


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
    """Whether a link's persistents may move in training.

    Those of a link that is no BatchNormalization may where both of its modes leave it as it is.
    """
    hook = hook_of(link)
    return hook is None or (hook.mode.statistics == "train" and hook.keeps_training(link))


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
