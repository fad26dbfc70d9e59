"""Caffe's layers in Chainer's words: paths, parameter names, true shapes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainer_ft.formats.caffe_norms import folded, is_batch_norm, reciprocal, vector
from chainer_ft.formats.caffe_types import UNTYPED, Blob, Layer
from chainer_ft.types.entries import Entry, Kind

_NAMES = {
    "Convolution": ("W", "b"),
    "Deconvolution": ("W", "b"),
    "InnerProduct": ("W", "b"),
    "Embed": ("W", "b"),
    "PReLU": ("W",),
    "Parameter": ("W",),
    "Scale": ("W", "bias/b"),
    "Bias": ("b",),
    UNTYPED: ("W", "b"),
}
_LINKS = {"InnerProduct": "Linear", "Embed": "EmbedID", UNTYPED: None}
_MATRICES = frozenset(("InnerProduct", "Embed"))
_VECTORS = frozenset(("gamma", "beta", "avg_mean", "avg_var"))


@dataclass(frozen=True)
class Weight:
    """An entry, and how its numbers come from a stored blob.

    Args:
        entry: What the listing shows.
        blob: The stored numbers.
        transposed: Rows and columns change places.
        factor: The blob by which the numbers are divided.
    """

    entry: Entry
    blob: Blob
    transposed: bool = False
    factor: Blob | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the stored numbers are the entry's, in its order."""
        return not self.transposed and self.factor is None

    def read(self) -> np.ndarray:
        """The entry's array, the caller's own."""
        array = self.blob.read()
        if self.factor is not None:
            with np.errstate(all="ignore"):  # the plan's finite check says what comes of it
                array *= reciprocal(self.factor, array.dtype)
        if self.transposed and self.entry.shape:
            array = np.ascontiguousarray(array.reshape(self.entry.shape[::-1]).T)
        return array.reshape(self.entry.shape or ())


def weights(
    layers: Sequence[Layer], apart: Collection[int] = (), with_factor: Collection[int] = ()
) -> list[Weight]:
    """The entries of a net, in the order of the file.

    Args:
        layers: The layers that hold blobs.
        apart: Indices of Scale layers that stay their own links instead of being the gamma and
            beta of the BatchNorm before them.
        with_factor: Indices of BatchNorm layers whose factor is listed beside what it divides.

    Returns:
        list of Weight: One for each entry; no path stands in it twice. A layer whose path a later
        one takes gets ``#`` and its index behind its name: in Caffe the last one wins.
    """
    scales = folded(layers)
    partner = {norm: scale for scale, norm in scales.items() if scale not in apart}
    by_index = {layer.index: layer for layer in layers}
    taken: set[str] = set()
    parts: list[list[Weight]] = []
    for layer in reversed(layers):
        if layer.index in scales and layer.index not in apart:
            continue
        scale = by_index.get(partner.get(layer.index, -1))
        part = _free_part(layer, scale, taken, layer.index in with_factor)
        taken.update(weight.entry.path for weight in part)
        parts.append(part)
    return [weight for part in reversed(parts) for weight in part]


def _free_part(
    layer: Layer, scale: Layer | None, taken: Collection[str], with_factor: bool
) -> list[Weight]:
    link = link_path(layer)
    while True:
        part = list(_layer_weights(layer, scale, link))
        if with_factor:
            part.append(_factor(layer, link))
        if not any(weight.entry.path in taken for weight in part):
            return part
        link += f"#{layer.index}"


def link_path(layer: Layer) -> str:
    """``/name``, or ``/unnamed_3`` for a layer without a name."""
    return "/" + (layer.name.strip("/") or f"unnamed_{layer.index}")


def _layer_weights(layer: Layer, scale: Layer | None, link: str) -> Iterator[Weight]:
    if is_batch_norm(layer):
        yield from _norm_weights(layer, scale, link)
        return
    names = _NAMES.get(layer.type, ())
    if layer.type == "Scale" and layer.bottoms > 1:  # the scale is the second bottom
        names = names[1:]
    for i, blob in enumerate(layer.blobs):
        number = layer.numbers[i] if layer.numbers else i
        name = names[i] if i < len(names) else str(number)
        link_type = "Bias" if "/" in name else _link_type(layer)
        yield _weight(f"{link}/{name}", name, link_type, blob, layer)


def _norm_weights(layer: Layer, scale: Layer | None, link: str) -> Iterator[Weight]:
    kind = _link_type(layer)
    if scale is not None:
        for name, blob in zip(("gamma", "beta"), scale.blobs, strict=False):
            origin = f"stored in the Scale layer {scale.name!r}"
            yield _weight(f"{link}/{name}", name, kind, blob, scale, said=(origin,))
    factor = layer.blobs[2]
    number = factor.read()[0]
    said = f"divided by the scale factor {number:.9g}"
    if number == 0:
        said = "all zeros, as Caffe has it, because the scale factor is 0"
    for name, blob in zip(("avg_mean", "avg_var"), layer.blobs, strict=False):
        yield _weight(
            f"{link}/{name}", name, kind, blob, layer, "persistent", (said,), factor=factor
        )


def _factor(layer: Layer, link: str) -> Weight:
    """The factor of a BatchNorm, a number."""
    blob, path = layer.blobs[2], f"{link}/factor"
    return Weight(Entry(path, (), blob.dtype, "persistent", _link_type(layer)), blob)


def _weight(
    path: str,
    name: str,
    link_type: str | None,
    blob: Blob,
    layer: Layer,
    kind: Kind = "param",
    said: tuple[str, ...] = (),
    factor: Blob | None = None,
) -> Weight:
    shape = _true_shape(layer.type, name, blob.shape)
    if shape != blob.shape:
        said = (f"shape {blob.shape} in the file", *said)
    if layer.assumed:
        said = (layer.assumed, *said)
    transposed = layer.transposed and layer.type == "InnerProduct" and name == "W"
    if transposed := transposed and len(shape) == 2:
        shape, said = shape[::-1], (*said, "transposed")
    entry = Entry(path, shape, blob.dtype, kind, link_type, transforms=said)
    return Weight(entry, blob, transposed, factor)


def _true_shape(layer_type: str, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the ones that four-number shapes put around vectors and matrices."""
    if name == "W" and layer_type in _MATRICES and shape[:-2] == (1, 1):
        return shape[-2:]
    is_bias = name == "b" and layer_type != "Bias"  # a Bias layer's own may have axes of size 1
    return vector(shape) if is_bias or name in _VECTORS or layer_type == "PReLU" else shape


def _link_type(layer: Layer) -> str | None:
    """Name of the Chainer link class that keeps the same arrays, else the type as written."""
    if is_batch_norm(layer):
        return "BatchNormalization"
    if layer.type in ("Convolution", "Deconvolution"):
        return layer.type + ("2D" if len(layer.blobs[0].shape) == 4 else "ND")
    return _LINKS.get(layer.type, layer.type or None)
