"""InnerProduct and Embed."""

from __future__ import annotations

from math import prod
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812

from chainer_ft.caffe.layers.base import (
    Filler,
    as_labels,
    canonical_axis,
    filler_of,
    lay_out,
    layer_error,
    output_count,
)
from chainer_ft.caffe.message import Message

Variable = Any


class InnerProduct(L.Linear):  # type: ignore[misc]
    """:class:`~chainer.links.Linear` of a Caffe layer; ``W`` is (out, in).

    Args:
        layer: The ``LayerParameter``.

    Attributes:
        transposed: Whether Caffe keeps the weights as (in, out).
        borrowed_transposed: Whether ``W`` is another layer's, and (in, out).
    """

    def __init__(self, layer: Message) -> None:
        parameter = layer.inner_product_param
        self.transposed = bool(parameter.transpose)
        self.borrowed_transposed = False
        self._outputs = output_count(layer, parameter)
        super().__init__(
            None,
            self._outputs,
            nobias=not parameter.bias_term,
            initialW=Filler(filler_of(parameter, "weight_filler").filler, self.transposed),
            initial_bias=filler_of(parameter, "bias_filler"),
        )
        self._axis = parameter.axis

    def forward(self, x: Variable) -> Variable:
        """Multiply all axes from the layer's axis on."""
        axis = canonical_axis(self._axis, x.ndim)
        if axis == 0:
            return F.reshape(self._product(F.reshape(x, (1, -1)), 1), (-1,))
        return self._product(x, axis)

    def lay_out(self, shape: tuple[int, ...]) -> None:
        """Make the weights for a bottom of this shape."""
        wanted = (self._outputs, prod(shape[canonical_axis(self._axis, len(shape)) :]))
        lay_out(self.W, wanted[::-1] if self.borrowed_transposed else wanted)

    def _product(self, x: Variable, axis: int) -> Variable:
        if self.borrowed_transposed:
            return F.linear(x, F.transpose(self.W), self.b, n_batch_axes=axis)
        return super().forward(x, n_batch_axes=axis)


def inner_product(layer: Message, phase: str) -> InnerProduct:
    """A matrix product, with everything from an axis on as one vector."""
    return InnerProduct(layer)


class Embed(L.EmbedID):  # type: ignore[misc]
    """:class:`~chainer.links.EmbedID` of a Caffe layer, with a bias ``b``.

    Args:
        layer: The ``LayerParameter``.
    """

    def __init__(self, layer: Message) -> None:
        parameter = layer.embed_param
        if not parameter.input_dim:
            raise layer_error(layer, "input_dim is missing")
        filler = filler_of(parameter, "weight_filler")
        super().__init__(parameter.input_dim, output_count(layer, parameter), initialW=filler)
        self._rows = parameter.input_dim
        with self.init_scope():
            self.b = None
            if parameter.bias_term:
                bias = filler_of(parameter, "bias_filler")
                self.b = chainer.Parameter(bias, parameter.num_output)

    def forward(self, x: Variable) -> Variable:
        """The row of each number."""
        rows = super().forward(as_labels(x, x.shape, self._rows, None))
        return rows if self.b is None else rows + F.broadcast_to(self.b, rows.shape)


def embed(layer: Message, phase: str) -> Embed:
    """A row of a matrix for each number."""
    return Embed(layer)
