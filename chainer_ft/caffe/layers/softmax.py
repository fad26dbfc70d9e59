"""Softmax and the losses on probabilities, as Caffe clamps and normalises them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import numpy as np

from chainer_ft.caffe.layers.base import as_labels, canonical_axis, layer_error
from chainer_ft.caffe.layers.normalizers import divisor, ignored_label, normalization
from chainer_ft.caffe.message import Message

Array = Any
Variable = Any
_LEAST = float(np.finfo(np.float32).tiny)  # makes 87.3365 the largest loss of one sample
_LEAST_OTHERS = 1e-20


def softmax(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """Probabilities along an axis."""
    axis = layer.softmax_param.axis
    return lambda x: F.softmax(x, canonical_axis(axis, x.ndim))


class _Loss(chainer.FunctionNode):  # type: ignore[misc]
    """-Σ target · log max(p, least) / Z of the softmax of the middle axis of (outer, C, inner).

    The gradient is (p · Σ target - target) / Z: what is clamped has one, too.
    """

    def __init__(self, target: Array, divisor: float, least: float) -> None:
        super().__init__()
        self.target, self.divisor, self.least = target, divisor, least

    def forward(self, inputs: tuple[Array]) -> tuple[Array, Array]:
        (x,) = inputs
        xp = chainer.backend.get_array_module(x)
        exps = xp.exp(x - x.max(1, keepdims=True))
        self.p = exps / exps.sum(1, keepdims=True)
        logs = xp.log(xp.maximum(self.p, self.least))
        loss = -(self.target * logs).sum(dtype="f8") / self.divisor
        return xp.asarray(loss, x.dtype), self.p

    def backward(self, indexes: tuple[int, ...], grads: tuple[Any, ...]) -> tuple[Variable]:
        if grads[0] is None:
            raise RuntimeError("the probabilities of a SoftmaxWithLoss layer have no gradient")
        weight = grads[0].array / self.divisor
        whole = self.p * self.target.sum(1, keepdims=True) - self.target
        return (chainer.as_variable((weight * whole).astype(self.p.dtype)),)


def _flat(x: Variable, axis: int) -> tuple[Variable, int, int]:
    """(outer, C, inner), and the sizes of outer and inner."""
    along = canonical_axis(axis, x.ndim)
    outer, inner = prod(x.shape[:along]), prod(x.shape[along + 1 :])
    return F.reshape(x, (outer, x.shape[along], inner)), outer, inner


def softmax_loss(layer: Message, phase: str) -> Callable[[Variable, Variable], Any]:
    """The mean of -log p of the labels; a second top has the probabilities."""
    axis, parameter = layer.softmax_param.axis, layer.loss_param
    ignored, mode, tops = ignored_label(parameter), normalization(parameter), len(layer.top)

    def loss(x: Variable, t: Variable) -> Any:
        flat, outer, inner = _flat(x, axis)
        target, valid = _one_hot(t, flat.shape, ignored)
        made = _Loss(target, divisor(mode, outer, inner, valid), _LEAST).apply((flat,))
        return (made[0], F.reshape(made[1], x.shape)) if tops > 1 else made[0]

    return loss


def _one_hot(t: Variable, shape: tuple[int, int, int], ignored: int | None) -> tuple[Array, int]:
    """1 at the labels, in the shape of the scores, and how many are not ignored."""
    outer, classes, inner = shape
    labels = as_labels(t, (outer, inner), classes, ignored)
    xp = chainer.backend.get_array_module(labels)
    target = (xp.arange(classes)[:, None] == labels[:, None]).astype("f4")
    if ignored is None:
        return target, labels.size
    kept = labels != ignored
    return target * kept[:, None], int(kept.sum())


def infogain_loss(layer: Message, phase: str) -> Callable[..., Any]:
    """Σ H[label, l] · -log p_l, with the matrix H from a file or the third bottom."""
    parameter = layer.loss_param
    if parameter.has("normalize"):
        raise layer_error(layer, "normalize is not for this layer; use normalization")
    ignored, mode, axis = (
        ignored_label(parameter),
        normalization(parameter),
        layer.infogain_loss_param.axis,
    )
    stored, tops = _stored_matrix(layer), len(layer.top)

    def loss(x: Variable, t: Variable, *matrix: Variable) -> Any:
        flat, outer, inner = _flat(x, axis)
        hot, valid = _one_hot(t, flat.shape, ignored)
        gains = matrix[0].array if matrix else x.xp.asarray(stored)
        target = x.xp.einsum("otn,tl->oln", hot, gains.reshape(flat.shape[1], flat.shape[1]))
        over = divisor(mode, outer, inner, valid)
        made = _Loss(target.astype(x.dtype), over, _LEAST_OTHERS).apply((flat,))
        return (made[0], F.reshape(made[1], x.shape)) if tops > 1 else made[0]

    return loss


def _stored_matrix(layer: Message) -> Array:
    from chainer_ft.caffe.prototxt import read_message

    if len(layer.bottom) > 2:
        return None
    if not layer.infogain_loss_param.has("source"):
        raise layer_error(layer, "source is missing; or give the matrix as third bottom")
    return np.asarray(read_message(layer.infogain_loss_param.source, "BlobProto").data, "f4")


def multinomial_loss(layer: Message, phase: str) -> Callable[[Variable, Variable], Variable]:
    """The mean of -log p of the labels, for scores that are probabilities already."""

    def loss(p: Variable, t: Variable) -> Variable:
        flat = F.reshape(p, (p.shape[0], -1))
        labels = as_labels(t, (len(flat),), flat.shape[1], None)
        chosen = F.select_item(flat, labels)
        clamped = F.maximum(chosen, p.xp.full_like(chosen.array, _LEAST_OTHERS))
        return -F.sum(F.log(clamped)) / len(flat)

    return loss
