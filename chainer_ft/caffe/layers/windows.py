"""Where the windows of a pooling lie, by Caffe's rounding. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """Where the windows lie on one axis.

    Args:
        size: Of the axis.
        kernel: Of a window.
        stride: From one window to the next.
        pad: Before the axis, and after it.
        count: How many windows there are.
    """

    size: int
    kernel: int
    stride: int
    pad: int
    count: int

    @property
    def reach(self) -> int:
        """How far the last window goes beyond the padded axis; negative if it ends before."""
        return (self.count - 1) * self.stride + self.kernel - self.size - 2 * self.pad

    @property
    def lengths(self) -> np.ndarray:
        """What of each window lies on the padded axis."""
        starts = np.arange(self.count) * self.stride - self.pad
        return np.minimum(starts + self.kernel, self.size + self.pad) - starts

    @property
    def last_is_outside(self) -> bool:
        """Whether the last window begins behind the axis, as strides beyond the kernel allow."""
        return (self.count - 1) * self.stride - self.pad >= self.size


def output_size(size: int, kernel: int, stride: int, pad: int, ceil: bool, clip: bool) -> int:
    """How many windows there are on an axis.

    Args:
        size: Of the axis.
        kernel: Of a window.
        stride: From one to the next.
        pad: On both sides.
        ceil: Whether a last window that is cut off counts.
        clip: Whether a window that begins in the padding behind the axis is dropped; Caffe does so
            where either axis has padding.

    Example:
        >>> output_size(112, 3, 2, 0, True, False), output_size(8, 2, 2, 1, True, True)
        (56, 5)
    """
    whole, rest = divmod(size + 2 * pad - kernel, stride)
    count = whole + (1 if ceil and rest else 0) + 1
    return count - 1 if clip and (count - 1) * stride >= size + pad else count
