"""The state of the random generators that training draws from."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
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
        "numpy": _plain(np.random.get_state(legacy=False)),
        "python": [version, list(words), gauss],
        "iterators": [_state_of(own) for own in _own(iterators)],
    }


def restore(state: dict[str, Any], iterators: Iterable[Any]) -> None:
    """Bring the generators back."""
    np.random.set_state(state["numpy"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    for own, saved in zip(_own(iterators), state["iterators"], strict=False):
        if isinstance(own, np.random.Generator):
            own.bit_generator.state = saved
        else:
            own.set_state(saved)


_GENERATORS = (np.random.RandomState, np.random.Generator)


def _own(iterators: Iterable[Any]) -> Iterator[np.random.RandomState | np.random.Generator]:
    """Generators that iterators have for themselves, not the global one."""
    for iterator in iterators:
        sampler = getattr(iterator, "order_sampler", None) or getattr(
            iterator, "_order_sampler", None
        )
        own = getattr(sampler, "_random", None)
        if own is not np.random.mtrand._rand and isinstance(own, _GENERATORS):
            yield own


def _state_of(own: np.random.RandomState | np.random.Generator) -> Any:
    if isinstance(own, np.random.Generator):
        return _plain(own.bit_generator.state)
    return _plain(own.get_state(legacy=False))


def _plain(state: Any) -> Any:
    """A state as NumPy gives it, without arrays; it takes it back like this."""
    if isinstance(state, Mapping):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, (np.ndarray, np.generic)) else state
