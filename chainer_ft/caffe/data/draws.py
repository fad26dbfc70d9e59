"""Random numbers that depend on a place and not on what was drawn before, so that runs resume."""

from __future__ import annotations

import secrets
import zlib

import numpy as np


class Draws:
    """A generator for each batch and each epoch of a layer.

    Args:
        seed: The run's seed; a fresh one where it is ``None`` or negative.
        name: What tells layers apart, name and phase.

    Example:
        >>> one, other = Draws(7, "TRAIN/data"), Draws(7, "TRAIN/data")
        >>> one.at("batch", 3).random() == other.at("batch", 3).random()
        True
    """

    def __init__(self, seed: int | None, name: str) -> None:
        kept = secrets.randbits(63) if seed is None or seed < 0 else seed
        self._entropy = [kept, zlib.crc32(name.encode("utf-8", "surrogateescape"))]

    def at(self, kind: str, index: int = 0) -> np.random.Generator:
        """The generator of one batch, one epoch, one shuffle."""
        return np.random.default_rng([*self._entropy, zlib.crc32(kind.encode()), index])

    def order(self, count: int, kind: str, index: int) -> np.ndarray:
        """A random order of ``count`` things."""
        return self.at(kind, index).permutation(count)
