"""Batches for the data layers of a net, and where each of them stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from chainer_ft.caffe.data import feeder
from chainer_ft.caffe.message import Message
from chainer_ft.errors import UsageError

Batch = Sequence[np.ndarray]
#: Gives the batches of a data layer in a phase, ``TRAIN`` or ``TEST``: an array for each top.
Feed = Callable[[Message, str], Iterator[Batch]]


def default_feed(seed: int, log: Callable[[str, str], None] | None = None) -> Feed:
    """Reads what the data layers name, as :func:`chainer_ft.caffe.data.feeder` does."""
    return partial(feeder, seed=seed, log=log)


class Feeds:
    """The batches of all data layers of a net.

    Args:
        layers: The data layers.
        phase: ``TRAIN`` or ``TEST``.
        feed: Gives the iterator of one. It begins again by itself. Where it has a ``position``
            that can be set, the number of its next batch, that is how a resumed run goes on;
            batches of any other are counted, and read again to come back.

    Example:
        >>> layer = Message("LayerParameter", name="data", top=["x"])
        >>> feeds = Feeds([layer], "TRAIN", lambda layer, phase: iter([[np.ones(2)]] * 3))
        >>> feeds.next(), feeds.positions()
        ({'x': array([1., 1.])}, {'data': 1})
    """

    def __init__(self, layers: Sequence[Message], phase: str, feed: Feed) -> None:
        self._layers = {layer.name: layer for layer in layers}
        self._iterators = {layer.name: feed(layer, phase) for layer in layers}
        self._counts = dict.fromkeys(self._layers, 0)
        self._peeked: dict[str, np.ndarray] | None = None

    def next(self) -> dict[str, np.ndarray]:
        """The next batch of every layer, by the names of their tops."""
        if self._peeked is not None:
            found, self._peeked = self._peeked, None
            return found
        return self._next()

    def peek(self) -> dict[str, np.ndarray]:
        """The next batch, which :meth:`next` gives once more."""
        if self._peeked is None:
            self._peeked = self._next()
        return self._peeked

    def _next(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for name, layer in self._layers.items():
            found.update(zip(layer.top, self._next_of(name), strict=True))
        return found

    def _next_of(self, name: str) -> Batch:
        try:
            batch = next(self._iterators[name])
        except StopIteration:
            raise UsageError(
                f"layer {name!r}: its feed ended after {self._counts[name]} batches; it has to "
                "begin again by itself"
            ) from None
        self._counts[name] += 1
        tops = self._layers[name].top
        if len(batch) != len(tops):
            raise UsageError(
                f"layer {name!r}: its feed gave {len(batch)} arrays for the tops {', '.join(tops)}"
            )
        return batch

    def positions(self) -> dict[str, int]:
        """How many batches each layer has given."""
        ahead = int(self._peeked is not None)
        return {name: count - ahead for name, count in self._counts.items()}

    def seek(self, positions: Mapping[str, int]) -> None:
        """Go where :meth:`positions` was asked; layers that are not named stay."""
        if all(self.positions().get(name, n) == n for name, n in positions.items()):
            return
        self._peeked = None
        for name, count in positions.items():
            if name in self._iterators:
                self._seek(name, count)

    def _seek(self, name: str, count: int) -> None:
        iterator = self._iterators[name]
        if hasattr(iterator, "position"):
            iterator.position = self._counts[name] = count
        while self._counts[name] < count:
            self._next_of(name)

    def close(self) -> None:
        """Stop reading ahead."""
        for iterator in self._iterators.values():
            getattr(iterator, "close", lambda: None)()
