"""Iterators over numbers instead of examples, in the same order."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np
from chainer import Serializer
from chainer.iterators import SerialIterator
from chainer.serializers import DictionarySerializer, NpzDeserializer

from chainer_ft.finetune.split import CannotSplit


class Numbers(chainer.dataset.DatasetMixin):  # type: ignore[misc]
    """A dataset whose examples are their own numbers.

    Example:
        >>> Numbers(3)[2]
        2
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def get_example(self, index: int) -> int:
        """The number."""
        return int(index)


class NumberedIterator(SerialIterator):  # type: ignore[misc]
    """A SerialIterator whose snapshots the other iterators of Chainer read, too."""

    def serialize(self, serializer: Any) -> None:
        """Keep the place, or go there; MultithreadIterator calls the order ``_order``."""
        super().serialize(serializer)
        if isinstance(serializer, Serializer) and self._state.order is not None:
            serializer("_order", self._state.order)


def numbered(iterator: Any, goes_on: bool = True) -> SerialIterator:
    """An iterator over the numbers of the examples, in the order of another one.

    Args:
        iterator: The other one.
        goes_on: Whether it begins where that one is; else at the first example.

    Raises:
        CannotSplit: Nobody knows in which order that one goes.
    """
    sampler = getattr(iterator, "order_sampler", getattr(iterator, "_order_sampler", ...))
    if sampler is ... or not hasattr(iterator, "dataset"):
        raise CannotSplit(f"the order of a {type(iterator).__name__} is not known")
    made = NumberedIterator(
        Numbers(len(iterator.dataset)),
        iterator.batch_size,
        repeat=iterator.repeat,
        shuffle=False if sampler is None else None,
        order_sampler=_Kept(sampler) if sampler is not None else None,
    )
    if goes_on:
        move_state(iterator, made)
    return made


class _Kept:
    """An order sampler that does not draw while the iterator is made."""

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler
        self._made = False

    def __call__(self, order: np.ndarray, position: int) -> Any:
        if self._made:
            return self._sampler(order, position)
        self._made = True
        return order

    @property
    def _random(self) -> Any:
        return getattr(self._sampler, "_random", None)


def move_state(iterator: Any, other: Any) -> None:
    """Let an iterator go on where another one is."""
    has_no_order = getattr(getattr(iterator, "_state", None), "order", ...) is None
    if has_no_order and not isinstance(other, SerialIterator):
        if iterator.current_position or iterator.epoch:
            raise CannotSplit("an iterator without an order is under way")
        return
    kept: dict[str, Any] = {}
    try:
        iterator.serialize(DictionarySerializer(kept))
    except AttributeError as error:  # a MultiprocessIterator that does not shuffle
        raise CannotSplit(f"the place of a {type(iterator).__name__} is not known") from error
    if not has_no_order:
        order = kept.get("order", kept.get("_order"))
        kept.update(order=order, _order=order)  # the iterators do not agree on its name
    other.serialize(NpzDeserializer(kept))


def epochs_of(iterator: Any, count: int, size: int) -> np.ndarray:
    """The epoch of each example of the batch that an iterator has just given.

    Args:
        iterator: The iterator, one example after the batch.
        count: Examples in the dataset.
        size: Examples in the batch.
    """
    end = iterator.epoch * count + iterator.current_position
    return np.arange(end - size, end) // count
