"""Copies of the model that an updater computes with, one for each device."""

from __future__ import annotations

from typing import Any

import chainer
from chainer.training.updaters import ParallelUpdater

from chainer_ft.training.model_state import adopt_digests, restore, state_of


def copies_of(updater: Any) -> dict[str, chainer.Link]:
    """The copies of a ``ParallelUpdater``, by their names, without the model itself."""
    if not isinstance(updater, ParallelUpdater):
        return {}
    model = updater.get_optimizer("main").target
    return {name: copy for name, copy in updater._models.items() if copy is not model}


def follow(updater: Any) -> None:
    """Give the copies the weights of the model, and freeze in them what is frozen in it.

    The updater itself does the first behind each update, and so not before the first one.
    """
    for copy in copies_of(updater).values():
        model = updater.get_optimizer("main").target
        state = state_of(model)
        copy.copyparams(model)
        restore(copy, state)
        adopt_digests(copy, state)


def copies_once(updater: Any) -> bool:
    """Whether there are workers that copy the model once, and never hear of a change."""
    workers = len(getattr(updater, "_devices", None) or ())
    return hasattr(updater, "setup_workers") and workers > 1
