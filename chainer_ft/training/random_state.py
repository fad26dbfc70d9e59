"""The state of the random generators that training draws from."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


class EpochShuffle:
    """An order sampler whose next order depends on a seed and on the current order alone.

    Chainer's own ``ShuffleOrderSampler`` draws from a generator at the moment when the iterator
    needs an order; an iterator that reads ahead (MultiprocessIterator) does so early, and a
    resumed run cannot draw the same. This one gives the same orders whenever it is asked.

    Args:
        seed: Any integer from 0.

    Example:
        >>> import numpy as np
        >>> sampler = EpochShuffle(0)
        >>> order = sampler(np.arange(4), 0)
        >>> bool((sampler(order, 0) == EpochShuffle(0)(order, 2)).all())
        True
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def __call__(self, current_order: np.ndarray, current_position: int) -> np.ndarray:
        order = np.asarray(current_order, "<i8")
        key = hashlib.blake2b(order.tobytes(), digest_size=16).digest()
        seeds = np.random.SeedSequence([self.seed, int.from_bytes(key, "little")])
        return np.random.Generator(np.random.PCG64(seeds)).permutation(len(order))


def capture(iterators: Iterable[Any]) -> dict[str, Any]:
    """The state of NumPy's and Python's generators, and of the iterators' own, as plain data."""
    version, words, gauss = random.getstate()
    return {
        "numpy": _plain(np.random.get_state()),
        "python": [version, list(words), gauss],
        "iterators": [_plain(own.get_state()) for own in _own(iterators)],
    }


def restore(state: dict[str, Any], iterators: Iterable[Any]) -> None:
    """Bring the generators back."""
    np.random.set_state(_numpy(state["numpy"]))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    for own, saved in zip(_own(iterators), state["iterators"], strict=False):
        own.set_state(_numpy(saved))


def _own(iterators: Iterable[Any]) -> Iterator[np.random.RandomState]:
    """Generators that iterators have for themselves, not the global one."""
    for iterator in iterators:
        sampler = getattr(iterator, "order_sampler", None) or getattr(
            iterator, "_order_sampler", None
        )
        own = getattr(sampler, "_random", None)
        if isinstance(own, np.random.RandomState) and own is not np.random.mtrand._rand:
            yield own


def _plain(state: Any) -> list[Any]:
    name, keys, position, has_gauss, gauss = state
    return [name, keys.tolist(), int(position), int(has_gauss), float(gauss)]


def _numpy(state: list[Any]) -> tuple[Any, ...]:
    name, keys, position, has_gauss, gauss = state
    return name, np.array(keys, np.uint32), position, has_gauss, gauss
