"""Which images make up which batch: a pure function of a seed and a position."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Place(NamedTuple):
    """One image of a batch.

    Attributes:
        image: Its number in its data set.
        epoch: Which sweep over the data set this belongs to, from 0.
    """

    image: int
    epoch: int


def places(count: int, start: int, size: int, seed: int | None, repeat: bool) -> list[Place]:
    """The images of a batch.

    Args:
        count: Images in the data set.
        start: How many images earlier batches had.
        size: Of the batch; the last one is smaller without ``repeat``. With it a batch may hold
            the end of one epoch and the beginning of the next.
        seed: Of the order; ``None`` for the order of the data set.
        repeat: Whether there is another epoch after the first.

    Example:
        >>> [place.image for place in places(4, 2, 4, None, repeat=True)]
        [2, 3, 0, 1]
        >>> places(4, 2, 4, None, repeat=False)
        [Place(image=2, epoch=0), Place(image=3, epoch=0)]
    """
    stop = start + size if repeat else min(start + size, count)
    return [_place(count, number, seed) for number in range(start, stop)]


def _place(count: int, number: int, seed: int | None) -> Place:
    epoch, at = divmod(number, count)
    return Place(at if seed is None else int(_shuffled(count, seed, epoch)[at]), epoch)


@lru_cache(maxsize=8)
def _shuffled(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)
