"""Normalisation by the statistics of a batch, without gamma and beta, as Caffe computes it."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np

Array = Any
Variable = Any


class NormaliseBatch(chainer.FunctionNode):  # type: ignore[misc]
    """(x - mean) / sqrt(variance + eps) for each channel; on the CPU.

    Chainer's own function sums whole batches number by number in float32; after 200 iterations of
    training that is 1e-5 in the loss. Sums over each image, then over the batch in float64, are as
    near to the exact ones as Caffe's are, and faster.

    Args:
        eps: Added to variances.

    Attributes:
        mean: Of each channel.
        var: The same, divided by the number of its elements.
    """

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, inputs: tuple[Array]) -> tuple[Array]:
        x = _by_channel(inputs[0])
        self.mean = _mean(x)
        y = x - self.mean[:, None]
        self.var = _mean(y * y)
        self.scale = (1 / np.sqrt(self.var + self.eps)).astype(x.dtype)
        y *= self.scale[:, None]
        self.y = y
        return (y.reshape(inputs[0].shape),)

    def backward(self, indexes: tuple[int, ...], grads: tuple[Variable]) -> tuple[Variable]:
        gy, y = _by_channel(grads[0].array), self.y
        gx = gy - _mean(gy)[:, None]
        gx -= y * _mean(gy * y)[:, None]
        gx *= self.scale[:, None]
        return (chainer.as_variable(gx.reshape(grads[0].shape)),)


def _by_channel(x: Array) -> Array:
    return np.ascontiguousarray(x).reshape(*x.shape[:2], -1)


def _mean(x: Array) -> Array:
    """Of each channel of (n, channels, places)."""
    sums = x.sum(2) if x.shape[2] > 1 else x[:, :, 0]
    return (sums.sum(0, dtype="f8") / (x.shape[0] * x.shape[2])).astype(x.dtype)
