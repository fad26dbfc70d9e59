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


class _LabelLoss(chainer.FunctionNode):  # type: ignore[misc]
    """The sum of -log max(p, least) of the labels / Z; (outer, C, inner) has the classes.

    The gradient is (p - 1 at the label) / Z, 0 where a label is ignored: what is clamped has one,
    too.

    Args:
        labels: (outer, inner).
        kept: Which labels count; None for all.
        divisor: Z.
    """

    def __init__(self, labels: Array, kept: Array | None, divisor: float) -> None:
        super().__init__()
        xp = chainer.backend.get_array_module(labels)
        self.labels = (labels if kept is None else xp.where(kept, labels, 0))[:, None]
        self.kept, self.divisor = kept, divisor

    def forward(self, inputs: tuple[Array]) -> tuple[Array, Array]:
        xp = chainer.backend.get_array_module(*inputs)
        self.p = _probabilities(inputs[0])
        logs = xp.log(xp.maximum(xp.take_along_axis(self.p, self.labels, 1)[:, 0], _LEAST))
        counted = logs if self.kept is None else logs * self.kept
        return xp.asarray(-counted.sum(dtype="f8") / self.divisor, self.p.dtype), self.p

    def backward(self, indexes: tuple[int, ...], grads: tuple[Any, ...]) -> tuple[Variable]:
        xp = chainer.backend.get_array_module(self.p)
        gx = self.p.copy()
        own = xp.take_along_axis(gx, self.labels, 1) - 1
        _put_along_classes(xp, gx, self.labels, own)
        if self.kept is not None:
            gx *= self.kept[:, None]
        gx *= _weight(grads) / self.divisor
        return (chainer.as_variable(gx),)


class _TargetLoss(chainer.FunctionNode):  # type: ignore[misc]
    """The sum of -target * log max(p, least) / Z, as :class:`_LabelLoss`.

    The gradient is (p * sum of targets - target) / Z.
    """

    def __init__(self, target: Array, divisor: float) -> None:
        super().__init__()
        self.target, self.divisor = target, divisor

    def forward(self, inputs: tuple[Array]) -> tuple[Array, Array]:
        xp = chainer.backend.get_array_module(*inputs)
        self.p = _probabilities(inputs[0])
        logs = xp.log(xp.maximum(self.p, _LEAST_OTHERS))
        loss = -(self.target * logs).sum(dtype="f8") / self.divisor
        return xp.asarray(loss, self.p.dtype), self.p

    def backward(self, indexes: tuple[int, ...], grads: tuple[Any, ...]) -> tuple[Variable]:
        whole = self.p * self.target.sum(1, keepdims=True) - self.target
        whole *= _weight(grads) / self.divisor
        return (chainer.as_variable(whole.astype(self.p.dtype)),)


def _probabilities(x: Array) -> Array:
    xp = chainer.backend.get_array_module(x)
    p = xp.exp(x - x.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return p


def _put_along_classes(xp: Any, array: Array, labels: Array, values: Array) -> None:
    """``put_along_axis`` of axis 1, which CuPy did not have for long."""
    outer, _, inner = array.shape
    places = (xp.arange(outer)[:, None, None], labels, xp.arange(inner)[None, None, :])
    array[places] = values


def _weight(grads: tuple[Any, ...]) -> Array:
    """The gradient of the loss; Caffe has none for the second top."""
    if grads[0] is None:
        raise RuntimeError("the second top of this loss, the probabilities, has no gradient")
    return grads[0].array


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
        labels = as_labels(t, (outer, inner), flat.shape[1], ignored)
        kept = None if ignored is None else labels != ignored
        over = divisor(mode, outer, inner, labels.size if kept is None else int(kept.sum()))
        made = _LabelLoss(labels, kept, over).apply((flat,))
        return (made[0], F.reshape(made[1], x.shape)) if tops > 1 else made[0]

    return loss


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
        classes = flat.shape[1]
        labels = as_labels(t, (outer, inner), classes, ignored)
        kept = x.xp.ones(labels.shape, bool) if ignored is None else labels != ignored
        gains = (matrix[0].array if matrix else x.xp.asarray(stored)).reshape(classes, classes)
        rows = gains[x.xp.where(kept, labels, 0)] * kept[..., None]  # (outer, inner, C)
        target = x.xp.ascontiguousarray(x.xp.moveaxis(rows, 2, 1)).astype(x.dtype)
        over = divisor(mode, outer, inner, int(kept.sum()))
        made = _TargetLoss(target, over).apply((flat,))
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
