"""Convolution, Deconvolution and Im2col, over any number of axes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812

from chainer_ft.caffe.layers.base import (
    canonical_axis,
    filler_of,
    lay_out,
    layer_error,
    output_count,
)
from chainer_ft.caffe.message import Message

Variable = Any
Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Geometry:
    """The sizes of a convolution, one for each spatial axis; one alone is for all axes."""

    kernel: Sizes
    stride: Sizes
    pad: Sizes
    dilation: Sizes

    @property
    def axes(self) -> int:
        """How many spatial axes there are; two where every size is given once."""
        longest = max(map(len, (self.kernel, self.stride, self.pad, self.dilation)))
        return longest if longest > 1 else 2

    def spread(self, axes: int) -> Geometry:
        """With every size given for each axis."""
        sizes = (self.kernel, self.stride, self.pad, self.dilation)
        return Geometry(*(s * axes if len(s) == 1 else s for s in sizes))

    def size_of(self, axis: int, size: int, up: bool) -> int:
        """What a spatial axis becomes, by convolution or, up, by its transposed.

        Raises:
            ValueError: The kernel does not fit, or there is no such axis.
        """
        if axis >= len(self.kernel):
            raise ValueError(f"{len(self.kernel)} spatial axes are expected, not more")
        reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1 - 2 * self.pad[axis]
        stride = self.stride[axis]
        result = stride * (size - 1) + reach if up else (size - reach) // stride + 1
        if result < 1:
            raise ValueError(f"a kernel of {self.kernel} does not fit into an axis of {size}")
        return result


def geometry(layer: Message) -> Geometry:
    """Read the sizes of a layer.

    Raises:
        NetError: A size is missing, zero, given in two ways, or for some axes only.
    """
    made = Geometry(
        _sizes(layer, "kernel_size", "kernel", 0),
        _sizes(layer, "stride", "stride", 1),
        _sizes(layer, "pad", "pad", 0),
        _sizes(layer, "dilation", "dilation", 1),
    )
    if not all((*made.kernel, *made.stride, *made.dilation)):
        raise layer_error(layer, "kernel_size, stride and dilation are 1 or more; give both axes")
    for name, sizes in vars(made).items():
        if len(sizes) not in (1, made.axes):
            raise layer_error(layer, f"{len(sizes)} sizes of {name} for {made.axes} axes")
    return made


def _sizes(layer: Message, name: str, stem: str, default: int) -> Sizes:
    parameter = layer.convolution_param
    given = tuple(getattr(parameter, name))
    fields = parameter.kind.fields
    both = [f"{stem}_h", f"{stem}_w"] if f"{stem}_h" in fields else []
    if any(map(parameter.has, both)):
        if given:
            raise layer_error(layer, f"both {name} and {both[0]}, {both[1]} are given; keep one")
        return tuple(getattr(parameter, axis) for axis in both)
    return given or (default,)


def _options(layer: Message) -> dict[str, Any]:
    """The arguments of Chainer's link of two spatial axes."""
    parameter, sizes = layer.convolution_param, geometry(layer).spread(2)
    outputs, groups = output_count(layer, parameter), parameter.group
    if not groups or outputs % groups:
        raise layer_error(layer, f"num_output {outputs} does not divide into {groups} groups")
    return {
        "in_channels": None,
        "out_channels": outputs,
        "ksize": sizes.kernel[:2],
        "stride": sizes.stride[:2],
        "pad": sizes.pad[:2],
        "nobias": not parameter.bias_term,
        "initialW": filler_of(parameter, "weight_filler"),
        "initial_bias": filler_of(parameter, "bias_filler"),
        "dilate": sizes.dilation[:2],
        "groups": groups,
    }


class _AnyAxes(ABC):
    """What Caffe's two layers add to Chainer's two links: N axes, several bottoms."""

    _layer: Message
    _sizes: Geometry
    groups: int
    W: Any
    b: Any
    _function: Callable[..., Variable]  # over any number of axes

    def _prepare(self, layer: Message) -> None:
        self._layer, self._sizes = layer, geometry(layer)

    def forward(self, *bottoms: Variable) -> tuple[Variable, ...]:
        """Convolve each bottom with the same weights."""
        return tuple(map(self._one, bottoms))

    def _one(self, x: Variable) -> Variable:
        axis = canonical_axis(self._layer.convolution_param.axis, x.ndim)
        if axis == 1:
            return self._batch(x)
        lead = x.shape[:axis]
        y = self._batch(F.reshape(x, (prod(lead), *x.shape[axis:])))
        return F.reshape(y, (*lead, *y.shape[1:]))

    def _batch(self, x: Variable) -> Variable:
        axes = x.ndim - 2
        if axes == 2:
            return super().forward(x)  # type: ignore[misc]
        if axes < 1 or (len(self._sizes.kernel) > 1 and axes != self._sizes.axes):
            raise ValueError(f"{self._sizes.axes} spatial axes are expected, not {axes}")
        return self._over(x, self._sizes.spread(axes))

    def lay_out(self, *bottoms: Sizes) -> None:
        """Make the weights for bottoms of these shapes."""
        for shape in bottoms:
            axis = canonical_axis(self._layer.convolution_param.axis, len(shape))
            self._make(shape[axis], len(shape) - axis - 1)

    def _make(self, channels: int, axes: int) -> None:
        if channels % self.groups:
            raise ValueError(f"{channels} channels do not divide into {self.groups} groups")
        lay_out(self.W, self._shape(channels, self._sizes.spread(axes).kernel))

    @abstractmethod
    def _shape(self, channels: int, kernel: Sizes) -> Sizes: ...

    def _over(self, x: Variable, sizes: Geometry) -> Variable:
        self._make(x.shape[1], x.ndim - 2)
        options = {"dilate": sizes.dilation, "groups": self.groups}
        return self._function(x, self.W, self.b, sizes.stride, sizes.pad, **options)


class Convolution(_AnyAxes, L.Convolution2D):  # type: ignore[misc]
    """:class:`~chainer.links.Convolution2D` of a Caffe layer; ``W`` is (out, in / groups, ...).

    Args:
        layer: The ``LayerParameter``.
    """

    _function = staticmethod(F.convolution_nd)

    def __init__(self, layer: Message) -> None:
        super().__init__(**_options(layer))
        self._prepare(layer)

    def _shape(self, channels: int, kernel: Sizes) -> Sizes:
        return (self.out_channels, channels // self.groups, *kernel)


class Deconvolution(_AnyAxes, L.Deconvolution2D):  # type: ignore[misc]
    """:class:`~chainer.links.Deconvolution2D` of a Caffe layer; ``W`` is (in, out / groups, ...).

    Args:
        layer: The ``LayerParameter``.
    """

    _function = staticmethod(F.deconvolution_nd)

    def __init__(self, layer: Message) -> None:
        super().__init__(**_options(layer))
        self._prepare(layer)

    def _shape(self, channels: int, kernel: Sizes) -> Sizes:
        return (channels, self.out_channels // self.groups, *kernel)


def convolution(layer: Message, phase: str) -> Convolution:
    """Cross-correlation with strides, padding, dilation and groups."""
    return Convolution(layer)


def deconvolution(layer: Message, phase: str) -> Deconvolution:
    """The transposed convolution."""
    return Deconvolution(layer)


def im2col(layer: Message, phase: str) -> Callable[..., tuple[Variable, ...]]:
    """The windows of a convolution as channels: (N, C · kh · kw, oh, ow)."""
    sizes = geometry(layer).spread(2)

    def columns(*bottoms: Variable) -> tuple[Variable, ...]:
        return tuple(
            F.im2col(x, sizes.kernel, sizes.stride, sizes.pad, dilate=sizes.dilation)
            for x in bottoms
        )

    return columns
