"""What a file will hold after a plan is applied, as a source that a saver writes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainer_ft.transfer.staging import checked_blocks, fitted
from chainer_ft.types import Entry, Listing, Plan, Source


class Merged(Source):
    """The target's entries; what the plan pairs comes from the source, the rest stays.

    Args:
        plan: The plan.
        source: Where pairs are read from.
        target: Where the rest is read from; ``None`` where there is no file yet.
    """

    def __init__(self, plan: Plan, source: Source, target: Source | None) -> None:
        self.name = plan.target.origin
        self._pairs = {pair.target: pair for pair in plan.pairs}
        self._plan, self._source, self._target = plan, source, target
        self.base, self.replaced = target, tuple(self._pairs)
        self._listing = Listing(tuple(map(self._entry, plan.target)), self.name)

    @property
    def listing(self) -> Listing:
        return self._listing

    def _entry(self, entry: Entry) -> Entry:
        pair = self._pairs.get(entry.path)
        if pair is None or entry.shape is not None:
            return entry
        theirs = self._plan.source[pair.source]
        return replace(entry, shape=theirs.shape, dtype=entry.dtype or theirs.dtype, note="")

    def read(self, path: str) -> np.ndarray:
        pair = self._pairs.get(path)
        if pair is not None:
            array = self._source.read(pair.source)
            return fitted(array, pair, self._listing[path], self._source.name)
        assert self._target is not None
        return self._target.read(path)

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        pair = self._pairs.get(path)
        if pair is not None:
            where = f"{self._source.name}::{pair.source}"
            return checked_blocks(self._source.blocks(pair.source), self._listing[path], where)
        assert self._target is not None
        return self._target.blocks(path)
