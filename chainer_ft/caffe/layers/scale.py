"""Scale, Bias, Parameter."""

from __future__ import annotations

from typing import Any

import chainer
import chainer.functions as F  # noqa: N812

from chainer_ft.caffe.layers.base import canonical_axis, filler_of, lay_out
from chainer_ft.caffe.message import Message

Variable = Any
Shape = tuple[int, ...]


def _span(shape: Shape, axis: int, count: int) -> tuple[int, Shape]:
    """The first axis of a learned blob, and its shape."""
    first = canonical_axis(axis, len(shape)) if count or shape else 0
    return first, shape[first:] if count == -1 else shape[first : first + count]


def _check(shape: Shape, x: Variable, axis: int) -> None:
    if x.shape[axis : axis + len(shape)] != shape:
        raise ValueError(f"shape {shape} does not fit into {x.shape} from axis {axis} on")


class Bias(chainer.Link):  # type: ignore[misc]
    """Adds ``b``, or the second bottom, from an axis on.

    Args:
        parameter: A ``BiasParameter``, or a ``ScaleParameter`` that has a bias.
        field: The name of its filler.
        learned: Whether there is a ``b``.
    """

    def __init__(self, parameter: Message, field: str, learned: bool) -> None:
        super().__init__()
        self.b: Any
        self._axis, self._count = parameter.axis, parameter.num_axes
        with self.init_scope():
            self.b = chainer.Parameter(filler_of(parameter, field)) if learned else None

    def forward(self, x: Variable, *second: Variable) -> Variable:
        """Add."""
        if second:
            axis, addend = canonical_axis(self._axis, x.ndim), second[0]
        else:
            axis, shape = _span(x.shape, self._axis, self._count)
            addend = self.learned(shape)
        return self.add(x, addend, axis)

    def learned(self, shape: Shape) -> Variable:
        """``b``, which gets this shape if it has none."""
        lay_out(self.b, shape)
        return self.b

    def lay_out(self, shape: Shape, *second: Shape) -> None:
        """Make ``b`` for a bottom of this shape, if it is learned."""
        if not second:
            self.learned(_span(shape, self._axis, self._count)[1])

    @staticmethod
    def add(x: Variable, addend: Variable, axis: int) -> Variable:
        """Add from an axis on."""
        _check(addend.shape, x, axis)
        return F.bias(x, addend, axis)


class Scale(chainer.Chain):  # type: ignore[misc]
    """Multiplies by ``W``, or by the second bottom, from an axis on; then adds ``bias/b``.

    Args:
        layer: The ``LayerParameter``.
    """

    def __init__(self, layer: Message) -> None:
        super().__init__()
        self.W: Any
        parameter, learned = layer.scale_param, len(layer.bottom) == 1
        self._axis, self._count = parameter.axis, parameter.num_axes
        with self.init_scope():
            self.W = chainer.Parameter(filler_of(parameter, "filler", 1.0)) if learned else None
            if parameter.bias_term:
                self.bias = Bias(parameter, "bias_filler", learned=True)

    def forward(self, x: Variable, *second: Variable) -> Variable:
        """Multiply, then add."""
        axis, shape = self._place(x.shape, *(y.shape for y in second))
        factor = second[0] if second else self._factor(shape)
        _check(factor.shape, x, axis)
        y = F.scale(x, factor, axis)
        return self.bias.add(y, self.bias.learned(shape), axis) if "bias" in self._children else y

    def lay_out(self, shape: Shape, *second: Shape) -> None:
        """Make the weights for bottoms of these shapes."""
        learned = self._place(shape, *second)[1]
        if not second:
            self._factor(learned)
        if "bias" in self._children:
            self.bias.learned(learned)

    def _place(self, shape: Shape, *second: Shape) -> tuple[int, Shape]:
        if second:
            return canonical_axis(self._axis, len(shape)), second[0]
        return _span(shape, self._axis, self._count)

    def _factor(self, shape: Shape) -> Variable:
        lay_out(self.W, shape)
        return self.W


class Free(chainer.Link):  # type: ignore[misc]
    """A weight ``W`` that is a blob by itself.

    Args:
        layer: The ``LayerParameter``.
    """

    def __init__(self, layer: Message) -> None:
        super().__init__()
        shape = tuple(layer.parameter_param.shape.dim)
        with self.init_scope():
            self.W = chainer.Parameter(0, shape)

    def forward(self) -> Variable:
        """The weight."""
        return F.identity(self.W)


def scale(layer: Message, phase: str) -> Scale:
    """Multiply by a learned or a second blob, from an axis on."""
    return Scale(layer)


def bias(layer: Message, phase: str) -> Bias:
    """Add a learned or a second blob, from an axis on."""
    return Bias(layer.bias_param, "filler", learned=len(layer.bottom) == 1)


def parameter(layer: Message, phase: str) -> Free:
    """A weight that is a blob by itself."""
    return Free(layer)
