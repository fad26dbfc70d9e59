"""The layers that a program feeds: ``Input`` and ``MemoryData``."""

from __future__ import annotations

from math import prod

import numpy as np

from chainer_ft.caffe.data.options import Options, needed
from chainer_ft.caffe.data.source import Batch, BatchSource
from chainer_ft.caffe.message import Message
from chainer_ft.errors import UsageError


class InputSource(BatchSource):
    """Zeros of the shapes of an ``Input`` layer, which nobody has filled."""

    is_slow = False

    def __init__(self, layer: Message, options: Options) -> None:
        shapes = [shape_of(shape) for shape in layer.input_param.shape]
        self._shapes = one_each(layer, shapes, "shape") if shapes else []
        if not shapes:
            raise UsageError(
                f"{layer.where()}: layer {layer.name!r} (Input) has no shape; feed it yourself, or "
                "write input_param { shape { dim: ... } }"
            )

    def batch(self, index: int) -> Batch:
        return tuple(np.zeros(shape, np.float32) for shape in self._shapes)


class MemorySource(BatchSource):
    """What a program gives a ``MemoryData`` layer, over and over.

    Args:
        layer: The layer.
        options: Not used; arrays are given as they shall be.
    """

    is_slow = False

    def __init__(self, layer: Message, options: Options) -> None:
        self._layer, param = layer, layer.memory_data_param
        names = ("batch_size", "channels", "height", "width")
        self._shape = tuple(needed(layer, param, name) for name in names)
        self._data: np.ndarray | None = None
        self._labels: np.ndarray | None = None

    def reset(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Take the data of all batches to come.

        Args:
            data: (n, channels, height, width); n is a multiple of the batch size.
            labels: (n,).

        Raises:
            UsageError: The shapes are others than those of the layer.
        """
        data, labels = np.asarray(data, np.float32), np.asarray(labels, np.float32).ravel()
        size = self._shape[0]
        if data.shape[1:] != self._shape[1:] or not len(data) or len(data) % size:
            raise UsageError(
                f"layer {self._layer.name!r}: data of shape {data.shape}, and (a multiple of "
                f"{size}, {', '.join(map(str, self._shape[1:]))}) is expected"
            )
        if len(labels) != len(data):
            raise UsageError(
                f"layer {self._layer.name!r}: {len(labels)} labels for {len(data)} images"
            )
        self._data, self._labels = data, labels

    def batch(self, index: int) -> Batch:
        if self._data is None or self._labels is None:
            raise UsageError(
                f"{self._layer.where()}: layer {self._layer.name!r} (MemoryData) was given no "
                "data; call reset(data, labels) on its source"
            )
        start = index * self._shape[0] % len(self._data)
        rows = slice(start, start + self._shape[0])
        return (self._data[rows], self._labels[rows])[: len(self._layer.top)]


def shape_of(shape: Message) -> tuple[int, ...]:
    """The shape in a ``BlobShape``.

    Raises:
        UsageError: It is none that a blob can have, with file and line.
    """
    dims = tuple(shape.dim)
    if min(dims, default=0) < 0 or prod(dims) >= 1 << 31:
        raise UsageError(f"{shape.where('dim')}: no blob has the shape {dims}")
    return dims


def one_each(layer: Message, given: list, field: str) -> list:  # type: ignore[type-arg]
    """One for each top, given one for all or one for each."""
    if len(given) not in (1, len(layer.top)):
        raise UsageError(
            f"{layer.where()}: layer {layer.name!r} has {len(given)} {field} for "
            f"{len(layer.top)} tops; give one, or one for each"
        )
    return given * len(layer.top) if len(given) == 1 else given
