"""Run a model as if it had not been run: what it changes on the way is put back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import chainer
import numpy as np

from chainer_ft.links import named_links, slots
from chainer_ft.training.modes import trains


@contextmanager
def random_kept() -> Iterator[None]:
    """Put NumPy's and Python's random generators back behind the block."""
    state, own = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(state)
        random.setstate(own)


@contextmanager
def unnoticed(model: chainer.Link) -> Iterator[None]:
    """Put back random generators, statistics, gradients and attributes of a model.

    Args:
        model: A model whose parameters have their arrays already; they must not be changed.
    """
    links = {id(link): (link, dict(link.__dict__)) for _, link in named_links(model)}
    statistics = [
        (slot.array, slot.array.copy())
        for slot in slots(model)
        if slot.kind == "persistent" and isinstance(slot.array, chainer.get_array_types())
    ]
    try:
        with random_kept():
            yield
    finally:
        for link, attributes in links.values():
            link.__dict__.clear()
            link.__dict__.update(attributes)
        for array, before in statistics:
            if not np.isscalar(array):
                array[...] = before


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
        self._places = [
            slot
            for slot in slots(model)
            if slot.kind == "persistent"
            and trains(slot.link)
            and isinstance(slot.array, chainer.get_array_types())
        ]
        self._kept: Any = None

    def keep(self) -> None:
        """Remember all of it as it is."""
        arrays = [slot.array.copy() for slot in self._places]
        self._kept = np.random.get_state(), random.getstate(), arrays

    def put_back(self) -> None:
        """Put it back as it was."""
        state, own, arrays = self._kept
        np.random.set_state(state)
        random.setstate(own)
        for slot, before in zip(self._places, arrays, strict=True):
            slot.array[...] = before
