"""Accuracy and ArgMax."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from chainer_ft.caffe.layers.base import as_labels, canonical_axis, constant, layer_error
from chainer_ft.caffe.message import Message

Array = Any
Variable = Any


def accuracy(layer: Message, phase: str) -> Callable[[Variable, Variable], Any]:
    """The share of samples whose label is among the top_k scores; ties count against them.

    A second top has the share of each class.
    """
    parameter, tops = layer.accuracy_param, len(layer.top)
    ignored = parameter.ignore_label if parameter.has("ignore_label") else None

    def score(x: Variable, t: Variable) -> Any:
        axis = canonical_axis(parameter.axis, x.ndim)
        outer, inner = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
        scores = x.array.reshape(outer, x.shape[axis], inner)
        labels = as_labels(t, (outer, inner), x.shape[axis], ignored)
        right, kept = _right(x.xp, scores, labels, parameter.top_k, ignored)
        whole = constant(_share(x.xp, right.sum(), kept.sum(), x.dtype))
        return (whole, _by_class(x.xp, right, kept, labels, x)) if tops > 1 else whole

    def _by_class(xp: Any, right: Array, kept: Array, labels: Array, x: Variable) -> Variable:
        classes = x.shape[canonical_axis(parameter.axis, x.ndim)]
        hot = (xp.arange(classes)[:, None] == labels.reshape(-1)) & kept.reshape(-1)
        return constant(_share(xp, (hot & right.reshape(-1)).sum(1), hot.sum(1), x.dtype))

    return score


def _right(
    xp: Any, scores: Array, labels: Array, top_k: int, ignored: int | None
) -> tuple[Array, Array]:
    """Which samples are right, and which count."""
    kept = xp.ones(labels.shape, bool) if ignored is None else labels != ignored
    known = xp.where(kept, labels, 0)[:, None]
    own = xp.take_along_axis(scores, known, 1)
    return ((scores >= own).sum(1) <= top_k) & kept, kept


def _share(xp: Any, part: Array, whole: Array, dtype: Any) -> Array:
    """part / whole, 0 of nothing."""
    return xp.asarray(part / xp.maximum(whole, 1), dtype)


def arg_max(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """The places of the largest numbers, or the numbers; of equal ones, the last comes first."""
    parameter = layer.argmax_param
    if parameter.top_k < 1:
        raise layer_error(layer, "top_k is 1 or more", "argmax_param")

    def largest(x: Variable) -> Variable:
        if parameter.has("axis"):
            return _along(x, canonical_axis(parameter.axis, x.ndim), parameter)
        return _of_items(x, parameter)

    return largest


def _order(x: Variable, array: Array, axis: int, count: int) -> Array:
    """Places of the ``count`` largest; sorted from behind, so that the last of equals is first."""
    xp, size = x.xp, array.shape[axis]
    if count > size:
        raise ValueError(f"top_k is {count}, but there are only {size} numbers")
    backward = xp.flip(array, axis)
    options = {"kind": "stable"} if xp.__name__ == "numpy" else {}  # CuPy's sort is stable
    order = (-backward).argsort(axis, **options)
    first = xp.moveaxis(xp.moveaxis(order, axis, 0)[:count], 0, axis)
    return size - 1 - first


def _along(x: Variable, axis: int, parameter: Message) -> Variable:
    places = _order(x, x.array, axis, parameter.top_k)
    if parameter.out_max_val:
        return constant(x.xp.take_along_axis(x.array, places, axis))
    return constant(places.astype(x.dtype))


def _of_items(x: Variable, parameter: Message) -> Variable:
    """Over all axes but the first: (N, 1, k), or (N, 2, k) with the numbers."""
    flat = x.array.reshape(x.shape[0], -1)
    places = _order(x, flat, 1, parameter.top_k)
    rows = [places.astype(x.dtype)]
    if parameter.out_max_val:
        rows.append(x.xp.take_along_axis(flat, places, 1))
    ones = (1,) * max(x.ndim - 3, 0)
    return constant(x.xp.stack(rows, 1).reshape(x.shape[0], len(rows), parameter.top_k, *ones))
