"""SigmoidCrossEntropyLoss, EuclideanLoss, HingeLoss, ContrastiveLoss."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812

from chainer_ft.caffe.layers.base import as_labels
from chainer_ft.caffe.layers.normalizers import divisor, ignored_label, normalization
from chainer_ft.caffe.message import Message

Array = Any
Variable = Any


def sigmoid_loss(layer: Message, phase: str) -> Callable[[Variable, Variable], Variable]:
    """Σ softplus(x) - x · t, by default over the batch size; t may be a fraction."""
    parameter = layer.loss_param
    ignored, mode = ignored_label(parameter), normalization(parameter, "BATCH_SIZE")

    def loss(x: Variable, t: Variable) -> Variable:
        if x.size != t.size:
            raise ValueError(f"{t.size} targets for {x.size} scores")
        target = t.array.reshape(x.shape)
        terms = F.softplus(x) - x * target
        valid = x.size
        if ignored is not None:
            kept = target.astype("i4") != ignored
            terms, valid = terms * kept.astype(x.dtype), int(kept.sum())
        return F.sum(terms) / divisor(mode, x.shape[0], prod(x.shape[1:]), valid)

    return loss


def euclidean_loss(layer: Message, phase: str) -> Callable[[Variable, Variable], Variable]:
    """Σ (a - b)² / 2N; both bottoms have a gradient."""

    def loss(a: Variable, b: Variable) -> Variable:
        if a.size != b.size:
            raise ValueError(f"bottoms of {a.size} and {b.size} numbers")
        difference = a - (b if a.shape == b.shape else F.reshape(b, a.shape))
        return F.sum(F.square(difference)) / (2 * a.shape[0])

    return loss


def hinge_loss(layer: Message, phase: str) -> Callable[[Variable, Variable], Variable]:
    """The mean of max(0, 1 ± x), or of its square."""
    norm = layer.hinge_loss_param.norm

    def loss(x: Variable, t: Variable) -> Variable:
        flat = F.reshape(x, (x.shape[0], -1))
        labels = as_labels(t, (x.shape[0],), flat.shape[1], None)
        return F.hinge(flat, labels, norm)

    return loss


class _Contrastive(chainer.FunctionNode):  # type: ignore[misc]
    """Σ y · d² + (1 - y) · max(margin - d, 0)² over 2N, with Caffe's gradient.

    Args:
        similar: y, a boolean for each pair.
        margin: How far pairs that are not similar are pushed apart.
        legacy: Whether it is max(margin - d², 0) instead.
    """

    def __init__(self, similar: Array, margin: float, legacy: bool) -> None:
        super().__init__()
        self.similar, self.margin, self.legacy = similar, margin, legacy

    def forward(self, inputs: tuple[Array, Array]) -> tuple[Array]:
        xp = chainer.backend.get_array_module(*inputs)
        self.difference = inputs[0] - inputs[1]
        squares = (self.difference**2).sum(1)
        self.distance = xp.sqrt(squares)
        self.rest = self.margin - (squares if self.legacy else self.distance)
        apart = xp.maximum(self.rest, 0)
        terms = xp.where(self.similar, squares, apart if self.legacy else apart**2)
        return (xp.asarray(terms.sum() / (2 * len(squares)), inputs[0].dtype),)

    def backward(self, indexes: tuple[int, ...], grads: tuple[Variable]) -> tuple[Variable, ...]:
        xp = chainer.backend.get_array_module(self.difference)
        push = xp.ones_like(self.rest) if self.legacy else self.rest / (self.distance + 1e-4)
        slope = xp.where(self.similar, 1, xp.where(self.rest > 0, -push, 0))
        whole = self.difference * (slope * grads[0].array / len(slope))[:, None]
        whole = whole.astype(self.difference.dtype)
        return chainer.as_variable(whole), chainer.as_variable(-whole)


def contrastive_loss(layer: Message, phase: str) -> Callable[..., Variable]:
    """Draws similar pairs together and pushes others apart, up to a margin."""
    parameter = layer.contrastive_loss_param
    margin, legacy = parameter.margin, parameter.legacy_version

    def loss(a: Variable, b: Variable, t: Variable) -> Variable:
        similar = t.array.reshape(-1).astype("i4") != 0
        pair = [F.reshape(x, (x.shape[0], -1)) for x in (a, b)]
        return _Contrastive(similar, margin, legacy).apply(pair)[0]

    return loss
