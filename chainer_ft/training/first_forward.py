"""A first forward that makes arrays of what is frozen already."""

from __future__ import annotations

from typing import Any

import chainer

from chainer_ft.training.digest import digest
from chainer_ft.training.parameters import tune, tuning_of


class FirstForward(chainer.LinkHook):  # type: ignore[misc]
    """Takes the digests of what is frozen when a first forward has made its arrays."""

    name = "chainer_ft_first_forward"

    def forward_postprocess(self, args: Any) -> None:
        """Take those that are still to be taken, and go away."""
        for param in args.link.params():
            tuning = tuning_of(param)
            if tuning.pending:
                tune(param, pending=False, digest=tuning.digest or digest(param.array))
        _set_hook(args.link, False)


def watch_first_forward(link: chainer.Link) -> None:
    """Let what is frozen in a link count from its first forward on, if that will write into it."""
    writes = _writes_into_all(link)
    frozen = [param for param in link.params() if tuning_of(param).frozen] if writes else []
    for param in frozen:
        tune(param, pending=True, digest=None)
    _set_hook(link, bool(frozen))


def _writes_into_all(link: chainer.Link) -> bool:
    """Whether a link is to make arrays for its children, and writes into those that have one.

    ``LSTM`` does so when it gives the lazy ``upward`` its array.
    """
    if not hasattr(link, "_initialize_params") or not any(link.children()):
        return False
    return any(param.array is None for param in link.params())


def _set_hook(link: chainer.Link, wanted: bool) -> None:
    """``Link.copy`` lets two links share their dictionary of hooks; each gets its own here."""
    if wanted != (FirstForward.name in (link._local_link_hooks or ())):
        hooks = link.local_link_hooks.copy()
        hooks.pop(FirstForward.name, None)
        if wanted:
            hooks[FirstForward.name] = FirstForward()
        link._local_link_hooks = hooks or None
