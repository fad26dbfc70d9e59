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

    return lambda x, reference: x[cropped(x.shape, reference.shape, axis, offsets)]


def cropped(
    shape: tuple[int, ...], reference: tuple[int, ...], axis: int, offsets: list[int]
) -> tuple[slice, ...]:
    """What a Crop layer keeps of each axis.

    Args:
        shape: Of the bottom.
        reference: The shape that it gets from an axis on.
        axis: The first axis that is cropped.
        offsets: Where it begins: none, one for all axes, or one for each.

    Raises:
        ValueError: The window goes beyond the bottom.

    Example:
        >>> cropped((2, 6, 7), (5, 3, 4), 1, [1, 2])
        (slice(0, 2, None), slice(1, 4, None), slice(2, 6, None))
    """
    first = canonical_axis(axis, len(shape))
    count = len(shape) - first
    if len(offsets) not in (0, 1, count) or len(reference) != len(shape):
        raise ValueError(f"{len(offsets)} offsets for {count} axes cropped to those of {reference}")
    starts = offsets if len(offsets) == count else (offsets or [0]) * count
    spans = [slice(0, n) for n in shape[:first]]
    for i, start in enumerate(starts, first):
        if start + reference[i] > shape[i]:
            raise ValueError(f"a crop of {reference[i]} from {start} is beyond axis {i} of {shape}")
        spans.append(slice(start, start + reference[i]))
    return tuple(spans)


def permute(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """Axes in another order (SSD); those that are not named follow in theirs."""
    order = list(layer.permute_param.order)
    return lambda x: F.transpose(x, permutation(order, x.ndim))


def permutation(order: list[int], ndim: int) -> list[int]:
    """An order of all axes, from that of some.

    Example:
        >>> permutation([0, 2], 4)
        [0, 2, 1, 3]
    """
    axes = [*order, *(i for i in range(ndim) if i not in order)]
    if sorted(axes) != list(range(ndim)):
        raise ValueError(f"order {order} is none of {ndim} axes")
    return axes


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
