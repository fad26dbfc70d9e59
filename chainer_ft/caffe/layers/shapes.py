"""Flatten, Reshape, Crop, Permute, Reduction."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import chainer.functions as F  # noqa: N812

from chainer_ft.caffe.layers.base import canonical_axis, layer_error
from chainer_ft.caffe.message import Message

Variable = Any


def flatten(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """Several axes as one."""
    parameter = layer.flatten_param

    def flat(x: Variable) -> Variable:
        first = canonical_axis(parameter.axis, x.ndim)
        end = canonical_axis(parameter.end_axis, x.ndim) + 1
        return F.reshape(x, (*x.shape[:first], prod(x.shape[first:end]), *x.shape[end:]))

    return flat


def reshape(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """Other axes for some axes: 0 copies a size, -1 is what is left."""
    dims = tuple(layer.reshape_param.shape.dim)
    if dims.count(-1) > 1:
        raise layer_error(layer, f"shape {dims} leaves more than one size to be found (-1)")
    if any(d < -1 for d in dims):
        raise layer_error(layer, f"shape {dims} has a negative size")
    axis, count = layer.reshape_param.axis, layer.reshape_param.num_axes
    return lambda x: F.reshape(x, reshaped(x.shape, dims, axis, count))


def reshaped(
    shape: tuple[int, ...], dims: tuple[int, ...], axis: int, count: int
) -> tuple[int, ...]:
    """The shape that a Reshape layer gives.

    Args:
        shape: Of the bottom.
        dims: The layer's shape.
        axis: The first axis that is replaced; -1 is behind the last.
        count: How many are; -1 for all that follow.

    Raises:
        ValueError: It has another number of elements.

    Example:
        >>> reshaped((2, 4, 7, 8), (2, 2), 1, 1), reshaped((2, 4, 7, 8), (0, -1, 4), 0, -1)
        ((2, 2, 2, 7, 8), (2, 56, 4))
    """
    first = axis if axis >= 0 else len(shape) + axis + 1
    end = len(shape) if count == -1 else first + count
    if not 0 <= first <= end <= len(shape):
        raise ValueError(f"axis {axis} and num_axes {count} do not fit into {shape}")
    if any(d == 0 and first + i >= len(shape) for i, d in enumerate(dims)):
        raise ValueError(f"a 0 in {dims} copies an axis that {shape} does not have")
    new = [shape[first + i] if d == 0 else d for i, d in enumerate(dims)]
    result = [*shape[:first], *new, *shape[end:]]
    if -1 in result:
        known = prod(d for d in result if d != -1)
        if not known or prod(shape) % known:
            raise ValueError(f"{shape} cannot be reshaped to {tuple(result)}")
        result[result.index(-1)] = prod(shape) // known
    if prod(result) != prod(shape):
        raise ValueError(f"{shape} cannot be reshaped to {tuple(result)}")
    return tuple(result)


def crop(layer: Message, phase: str) -> Callable[[Variable, Variable], Variable]:
    """A window of the size that the second bottom has, from an axis on."""
    axis, offsets = layer.crop_param.axis, list(layer.crop_param.offset)

    def window(x: Variable, reference: Variable) -> Variable:
        first = canonical_axis(axis, x.ndim)
        count = x.ndim - first
        if len(offsets) not in (0, 1, count):
            raise ValueError(f"{len(offsets)} offsets for {count} axes that are cropped")
        starts = offsets if len(offsets) == count else (offsets or [0]) * count
        sizes = reference.shape[first:]
        for i, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            if start + size > x.shape[first + i]:
                raise ValueError(f"a crop of {size} from {start} is beyond axis {first + i}")
        spans = [slice(s, s + size) for s, size in zip(starts, sizes, strict=True)]
        return x[(slice(None),) * first + tuple(spans)]

    return window


def permute(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """Axes in another order (SSD); those that are not named follow in theirs."""
    order = list(layer.permute_param.order)

    def permuted(x: Variable) -> Variable:
        axes = [*order, *(i for i in range(x.ndim) if i not in order)]
        if sorted(axes) != list(range(x.ndim)):
            raise ValueError(f"order {order} is none of {x.ndim} axes")
        return F.transpose(x, axes)

    return permuted


def reduction(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """The sum, mean, sum of absolute values or of squares over the axes from one on."""
    parameter = layer.reduction_param
    operation, coefficient = parameter.operation, parameter.coeff
    before = {"ASUM": F.absolute, "SUMSQ": F.square}.get(operation, F.identity)
    combine = F.mean if operation == "MEAN" else F.sum

    def reduce(x: Variable) -> Variable:
        axes = tuple(range(canonical_axis(parameter.axis, x.ndim), x.ndim))
        return combine(before(x), axes) * coefficient

    return reduce
