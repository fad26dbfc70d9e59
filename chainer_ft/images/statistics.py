"""Mean and standard deviation of batches, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """Of many inputs, channel by channel.

    Args:
        mean: Of each channel.
        std: Of each channel, over all pixels of all inputs.

    Example:
        >>> Statistics.of(np.array([[[[0.0, 2.0]]], [[[0.0, 2.0]]]]))
        Statistics(mean=(1.0,), std=(1.0,))
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, batch: np.ndarray) -> Statistics:
        """Those of a batch, (n, channels, height, width)."""
        mean = batch.mean(axis=(0, 2, 3), dtype=np.float64)
        std = batch.std(axis=(0, 2, 3), dtype=np.float64)
        return cls(tuple(mean.tolist()), tuple(std.tolist()))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Statistics:
        """From plain data, ``mean`` and ``std``."""
        return cls(tuple(map(float, data["mean"])), tuple(map(float, data["std"])))
