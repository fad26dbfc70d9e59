"""Run a model as if it had not been run: what it changes on the way is put back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import chainer
import numpy as np

from chainer_ft.links import Slot, named_links, slots
from chainer_ft.training.modes import trains
from chainer_ft.training.undo import Undo, container, global_generators, undo_of


@contextmanager
def random_kept() -> Iterator[None]:
    """Put the global random generators back behind the block."""
    undo = global_generators()
    try:
        yield
    finally:
        for one in undo:
            one()


@contextmanager
def unnoticed(model: chainer.Link) -> Iterator[None]:
    """Put back random generators, statistics and attributes of a model.

    Args:
        model: A model whose parameters have their arrays already; they must not be changed.
    """
    undo = [container(link.__dict__) for _, link in named_links(model)]
    undo += [one for slot in _statistics(model) for one in undo_of(slot.array)]
    try:
        with random_kept():
            yield
    finally:
        for one in undo:
            one()


@contextmanager
def observed(reporter: chainer.Reporter | None) -> Iterator[dict[str, Any]]:
    """What is reported in the block, to nobody else.

    ``Reporter.scope`` does the same, and is left open by an exception.
    """
    reporter = reporter or _Anyone()
    outside, reporter.observation = reporter.observation, {}
    reporter.__enter__()
    try:
        yield reporter.observation
    finally:
        reporter.__exit__(None, None, None)
        reporter.observation = outside


class _Anyone(chainer.Reporter):  # type: ignore[misc]
    """A reporter for which nobody has to be registered."""

    def report(self, values: dict[str, Any], observer: Any = None) -> None:
        self.observation.update(values)


class Statistics:
    """What a call of a model moves besides gradients: statistics and random generators.

    Args:
        model: The model.
    """

    def __init__(self, model: chainer.Link) -> None:
        self._moving = [slot for slot in _statistics(model) if trains(slot.link)]
        self._undo: list[Undo] = []

    def keep(self) -> None:
        """Remember all of it as it is."""
        self._undo = [
            partial(random.setstate, random.getstate()),
            partial(np.random.set_state, np.random.get_state(legacy=False)),
        ]
        self._undo += [one for slot in self._moving for one in undo_of(slot.array)]

    def put_back(self) -> None:
        """Put it back as it was."""
        for one in self._undo:
            one()


def _statistics(model: chainer.Link) -> list[Slot]:
    return [s for s in slots(model) if s.kind == "persistent" and s.array is not None]
