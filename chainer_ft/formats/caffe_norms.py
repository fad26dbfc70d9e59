"""BatchNorm in Caffe: two sums and their factor, and the Scale layer that is its second half."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from chainer_ft.formats.caffe_types import Blob, Layer


def folded(layers: Sequence[Layer]) -> dict[int, int]:
    """Scale layers that are the second half of a BatchNorm: scale's index to norm's index."""
    norms = {layer.index: layer for layer in layers if is_batch_norm(layer)}
    pairs = {}
    for layer in layers:
        norm = norms.get(layer.source) if layer.source is not None else None
        if norm is not None and _is_affine_half(layer, norm):
            pairs[layer.index] = norms.pop(norm.index).index
    return pairs


def is_batch_norm(layer: Layer) -> bool:
    """Whether a layer holds BVLC's three BatchNorm blobs: two sums and their factor."""
    if layer.type != "BatchNorm" or len(layer.blobs) != 3:
        return False
    mean, var, factor = (vector(blob.shape) for blob in layer.blobs)
    return len(mean) == 1 and mean == var and prod(factor) == 1


def _is_affine_half(layer: Layer, norm: Layer) -> bool:
    if layer.type != "Scale" or layer.axis != 1 or layer.bottoms > 1 or len(layer.blobs) > 2:
        return False
    channels = vector(norm.blobs[0].shape)
    return all(blob.shape == channels for blob in layer.blobs)


def reciprocal(factor: Blob, dtype: np.dtype) -> np.ndarray:
    """What Caffe multiplies BatchNorm's sums with: 1 / factor in their precision, 0 for 0."""
    value = factor.read().astype(dtype)
    with np.errstate(all="ignore"):
        return value if value[0] == 0 else 1 / value


def vector(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a vector without the ones around it; any other shape as it is."""
    is_vector = len(shape) > 1 and sum(n != 1 for n in shape) <= 1
    return (prod(shape),) if is_vector else shape
