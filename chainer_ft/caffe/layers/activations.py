"""Element by element: ReLU, PReLU, ELU, Sigmoid, TanH, AbsVal, BNLL, Swish, Clip, Threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812

from chainer_ft.caffe.layers.base import constant, filler_of, lay_out
from chainer_ft.caffe.message import Message

Variable = Any


def relu(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """max(x, 0) + slope · min(x, 0)."""
    slope = layer.relu_param.negative_slope
    return F.relu if slope == 0 else lambda x: F.leaky_relu(x, slope)


class PReLU(chainer.Link):  # type: ignore[misc]
    """A slope for each channel, or one for all: ``W``, of shape (C,) or ().

    Args:
        layer: The ``LayerParameter``.
    """

    def __init__(self, layer: Message) -> None:
        super().__init__()
        parameter = layer.prelu_param
        self._is_shared = parameter.channel_shared
        shape = () if self._is_shared else None
        with self.init_scope():
            self.W = chainer.Parameter(filler_of(parameter, "filler", 0.25), shape)

    def forward(self, x: Variable) -> Variable:
        """Apply the slopes to negative numbers."""
        if self.W.array is None:
            self.lay_out(x.shape)
        return F.prelu(x, self.W)

    def lay_out(self, shape: tuple[int, ...]) -> None:
        """Make the slopes for a bottom of this shape."""
        lay_out(self.W, () if self._is_shared else shape[1:2])


def prelu(layer: Message, phase: str) -> PReLU:
    """max(x, 0) + W · min(x, 0)."""
    return PReLU(layer)


def elu(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """x, or alpha · (exp(x) - 1) where x is negative."""
    alpha = layer.elu_param.alpha
    return lambda x: F.elu(x, alpha)


def sigmoid(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """1 / (1 + exp(-x))."""
    return lambda x: F.sigmoid(x)


def tanh(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """The hyperbolic tangent."""
    return lambda x: F.tanh(x)


def absolute(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """|x|."""
    return lambda x: F.absolute(x)


def bnll(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """log(1 + exp(x))."""
    return lambda x: F.softplus(x)


def swish(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """x · sigmoid(beta · x)."""
    beta = layer.swish_param.beta
    return lambda x: x * F.sigmoid(beta * x)


def clip(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """x between min and max."""
    low, high = layer.clip_param.min, layer.clip_param.max
    return lambda x: F.clip(x, low, high)


def threshold(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """1 where x is above the threshold, else 0; no gradient."""
    limit = layer.threshold_param.threshold
    return lambda x: constant((x.array > limit).astype(x.dtype))


def dropout(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """In TRAIN, each number is dropped with a probability, the others grow by 1 / (1 - ratio)."""
    ratio = layer.dropout_param.dropout_ratio
    return (lambda x: F.dropout(x, ratio)) if phase == "TRAIN" else F.identity
