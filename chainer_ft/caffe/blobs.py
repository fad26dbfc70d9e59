"""Caffe's blobs of a net: the parameters and statistics of its layers, in Caffe's order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np

from chainer_ft.caffe.layers.batch_norm import BatchNorm
from chainer_ft.caffe.layers.inner_product import InnerProduct
from chainer_ft.caffe.message import Message
from chainer_ft.links import slots

Array = Any


@dataclass(frozen=True)
class CaffeBlob:
    """One blob of a layer.

    Args:
        layer: Name of the layer.
        index: Number of the blob in it.
        path: Of the parameter or statistic in the net, ``/conv1/W``.
        link: The link that holds it.
        name: Its attribute there.
        spec: Its ``ParamSpec``.
        owner: The blob that it shares its array with, if an earlier layer owns it.
        transposed: Whether Caffe has rows and columns the other way round.
    """

    layer: str
    index: int
    path: str
    link: chainer.Link
    name: str
    spec: Message
    owner: CaffeBlob | None = None
    transposed: bool = False

    @property
    def parameter(self) -> chainer.Parameter | None:
        """The parameter, None for a statistic."""
        value = getattr(self.link, self.name)
        return value if isinstance(value, chainer.Parameter) else None

    @property
    def is_statistic(self) -> bool:
        """Whether it is one of BatchNorm's, which no optimizer updates."""
        return self.name not in self.link._params

    @property
    def lr_mult(self) -> float:
        """What the learning rate is multiplied by; 0 for statistics."""
        return 0.0 if self.is_statistic else float(self.spec.lr_mult)

    @property
    def decay_mult(self) -> float:
        """What the weight decay is multiplied by."""
        return float(self.spec.decay_mult)

    @property
    def share_name(self) -> str:
        """The name under which layers share it, if they do."""
        return str(self.spec.name)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """As Caffe has it; None before there is an array."""
        value = getattr(self.link, self.name)
        if isinstance(self.link, BatchNorm):
            value = self.link.owner.avg_mean
            return None if value is None else (1,) if self.name == "factor" else value.shape
        if value is None or value.array is None:
            return None
        shape = tuple(value.shape)
        return shape[::-1] if self.transposed else shape

    def read(self) -> np.ndarray:
        """The numbers as Caffe has them, on the CPU: BatchNorm's statistics are sums.

        Raises:
            ValueError: There is no array before the first forward.
        """
        if self.shape is None:
            raise ValueError(f"blob {self.index} of layer {self.layer!r} has no array yet")
        if isinstance(self.link, BatchNorm):
            return self.to_caffe(_stored(self.link.owner, self.name))
        return self.to_caffe(getattr(self.link, self.name).array)

    def to_caffe(self, array: Array) -> np.ndarray:
        """An array of the parameter's shape, its gradient say, as Caffe has it."""
        made = chainer.backend.CpuDevice().send(array)
        return np.array(made.T if self.transposed else made, np.float32, order="C")

    def from_caffe(self, array: np.ndarray) -> np.ndarray:
        """An array of Caffe's shape as the parameter has it."""
        return np.array(array.T if self.transposed else array, order="C")


def _stored(norm: BatchNorm, name: str) -> Array:
    """A statistic as Caffe stores it: a sum, or the factor."""
    return np.full(1, norm.true_factor(), "f4") if name == "factor" else norm.sum_of(name)


def from_caffe(
    blobs: Sequence[CaffeBlob], arrays: Sequence[np.ndarray]
) -> list[tuple[str, np.ndarray]]:
    """Arrays of Caffe's as a net keeps them, for :func:`chainer_ft.links.write`.

    Args:
        blobs: All blobs of one layer.
        arrays: One for each; BatchNorm's are sums and their factor.

    Returns:
        list of (str, numpy.ndarray): Paths, and fresh arrays.
    """
    made = [blob.from_caffe(array) for blob, array in zip(blobs, arrays, strict=True)]
    if blobs and isinstance(blobs[0].link, BatchNorm):
        factor = made[2].reshape(()).astype("f8")
        over = factor if factor != 0 else np.inf  # by Caffe's rule
        made = [made[0].astype("f8") / over, made[1].astype("f8") / over, factor]
    return [(blob.path, array) for blob, array in zip(blobs, made, strict=True)]


def blobs_of(layer: Message, link: chainer.Link, path: str) -> Iterator[CaffeBlob]:
    """The blobs of a layer: its link's parameters, then its statistics, in their order."""
    for i, slot in enumerate(slots(link, path)):
        spec = layer.param[i] if i < len(layer.param) else Message("ParamSpec", layer.where())
        transposed = isinstance(link, InnerProduct) and link.transposed and slot.name == "W"
        where = (layer.name, i, slot.path, slot.link, slot.name)
        yield CaffeBlob(*where, spec, transposed=transposed)
