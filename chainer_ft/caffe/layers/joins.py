"""Several bottoms or tops: Eltwise, Concat, Slice, Split, Silence, Tile, BatchReindex, Filter."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from operator import mul
from typing import Any

import chainer.functions as F  # noqa: N812

from chainer_ft.caffe.layers.base import canonical_axis, layer_error
from chainer_ft.caffe.message import Message

Variable = Any


def eltwise(layer: Message, phase: str) -> Callable[..., Variable]:
    """The product, the weighted sum or the largest of blobs of one shape."""
    parameter, count = layer.eltwise_param, len(layer.bottom)
    if parameter.operation == "SUM":
        coefficients = list(parameter.coeff) or [1.0] * count
        if len(coefficients) != count:
            raise layer_error(layer, f"{len(coefficients)} coeff for {count} bottoms")
        combine = _weighted(coefficients)
    elif parameter.has("coeff"):
        raise layer_error(layer, f"coeff is for SUM, not for {parameter.operation}")
    else:
        combine = _product if parameter.operation == "PROD" else _largest

    def checked(*bottoms: Variable) -> Variable:
        if len({x.shape for x in bottoms}) > 1:
            raise ValueError(f"bottoms of different shapes: {[x.shape for x in bottoms]}")
        return combine(*bottoms)

    return checked


def _weighted(coefficients: list[float]) -> Callable[..., Variable]:
    def add(*bottoms: Variable) -> Variable:
        pairs = zip(bottoms, coefficients, strict=True)
        return F.add(*(x if c == 1 else x * c for x, c in pairs))

    return add


def _product(*bottoms: Variable) -> Variable:
    return reduce(mul, bottoms)


def _largest(first: Variable, second: Variable, *rest: Variable) -> Variable:
    """Of equal numbers, the second bottom's gets the gradient, else the first of them."""
    y = F.where(first.array > second.array, first, second)
    for x in rest:
        y = F.where(x.array > y.array, x, y)
    return y


def concat(layer: Message, phase: str) -> Callable[..., Variable]:
    """Side by side on an axis."""
    axis = _axis(layer, layer.concat_param, "concat_dim")
    return lambda *bottoms: F.concat(bottoms, canonical_axis(axis, bottoms[0].ndim))


def _axis(layer: Message, parameter: Message, old: str) -> int:
    """The axis, by its name or by its old one."""
    if parameter.has(old) and parameter.has("axis"):
        raise layer_error(layer, f"both axis and {old} are given; keep axis")
    axis: int = getattr(parameter, old if parameter.has(old) else "axis")
    return axis


def cut(layer: Message, phase: str) -> Callable[[Variable], Any]:
    """Pieces along an axis, at the slice points or of equal size."""
    parameter, tops = layer.slice_param, len(layer.top)
    axis = _axis(layer, parameter, "slice_dim")
    points = list(parameter.slice_point)
    if points and len(points) != tops - 1:
        raise layer_error(layer, f"{len(points)} slice_point for {tops} tops; one less is needed")

    def pieces(x: Variable) -> Any:
        along = canonical_axis(axis, x.ndim)
        if not points and x.shape[along] % tops:
            raise ValueError(f"axis {axis} of {x.shape} does not divide into {tops} equal parts")
        if points and not all(a < b for a, b in pairwise([0, *points, x.shape[along]])):
            raise ValueError(f"slice_point {points} do not rise within axis {axis} of {x.shape}")
        return F.split_axis(x, points or tops, along, force_tuple=True)

    return pieces


def fan_out(layer: Message, phase: str) -> Callable[[Variable], tuple[Variable, ...]]:
    """The same blob under several names."""
    count = len(layer.top)
    return lambda x: (x,) * count


def silence(layer: Message, phase: str) -> Callable[..., tuple[Variable, ...]]:
    """Takes blobs, so that they are no outputs of the net."""
    return lambda *bottoms: ()


def tile(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """Copies side by side on an axis."""
    axis, tiles = layer.tile_param.axis, layer.tile_param.tiles
    if tiles < 1:
        raise layer_error(layer, "tiles is missing")
    return lambda x: F.concat([x] * tiles, canonical_axis(axis, x.ndim))


def batch_reindex(layer: Message, phase: str) -> Callable[[Variable, Variable], Variable]:
    """The items of a batch that the second bottom numbers."""
    return lambda x, items: F.get_item(x, (items.array.reshape(-1).astype("i4"),))


def select(layer: Message, phase: str) -> Callable[..., tuple[Variable, ...]]:
    """Of each bottom, the items where the last bottom is not 0."""

    def chosen(*bottoms: Variable) -> tuple[Variable, ...]:
        *blobs, selector = bottoms
        (items,) = selector.array.reshape(-1).nonzero()
        return tuple(F.get_item(x, (items,)) for x in blobs)

    return chosen
