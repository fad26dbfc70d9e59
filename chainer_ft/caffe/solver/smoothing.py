"""The running mean of the loss that Caffe displays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class SmoothedLoss:
    """Mean of the last losses, in float32, by Caffe's own increments.

    Args:
        size: Over how many (``average_loss``).
        start: The iteration that it begins with.
        losses: What one that stopped had kept.
        value: Its mean.

    Attributes:
        value: The mean.

    Example:
        >>> smoothed = SmoothedLoss(2)
        >>> [float(smoothed.add(t, loss)) for t, loss in enumerate([1.0, 3.0, 5.0])]
        [1.0, 2.0, 4.0]
    """

    def __init__(
        self, size: int, start: int = 0, losses: Sequence[float] = (), value: float = 0.0
    ) -> None:
        self.value = np.float32(value)
        self._size, self._start = size, start
        self._losses = [np.float32(loss) for loss in losses]

    def state(self) -> dict[str, Any]:
        """The arguments, besides the size, that make one which goes on from here."""
        losses = [float(loss) for loss in self._losses]
        return {"start": self._start, "losses": losses, "value": float(self.value)}

    def add(self, iteration: int, loss: float | np.floating) -> np.float32:
        """Take in the loss of an iteration; the mean."""
        new = np.float32(loss)
        with np.errstate(all="ignore"):  # a loss may be anything
            if len(self._losses) < self._size:
                self._losses.append(new)
                count = np.float32(len(self._losses))
                self.value = (self.value * (count - 1) + new) / count
            else:
                slot = (iteration - self._start) % self._size
                self.value += (new - self._losses[slot]) / np.float32(self._size)
                self._losses[slot] = new
        return self.value
