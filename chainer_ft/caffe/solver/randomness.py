"""Random numbers that a resumed run draws again: those of an iteration depend on its number."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from chainer.backends import cuda

#: In place of an iteration's number: the first weights of a net.
BUILDING = 1 << 32


def seed_of(random_seed: int) -> int:
    """A run's seed: the solver's, or a fresh one where that is negative."""
    return random_seed if random_seed >= 0 else secrets.randbits(63)


@contextmanager
def seeded(seed: int, number: int = BUILDING) -> Iterator[None]:
    """Draw from a generator of its own inside; NumPy's is left as it was.

    Args:
        seed: The run's.
        number: Which of its parts, an iteration say; by default the building of nets.

    Example:
        >>> with seeded(1, 7):
        ...     first = np.random.rand()
        >>> with seeded(1, 7):
        ...     print(first == np.random.rand())
        True
    """
    before = np.random.get_state()
    words = np.random.SeedSequence([seed, number]).generate_state(4)
    np.random.seed(words)
    if cuda.available:
        cuda.cupy.random.seed(int(words[0]))
    try:
        yield
    finally:
        np.random.set_state(before)
