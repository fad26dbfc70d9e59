"""LRN, across channels and within them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainer.functions as F  # noqa: N812

from chainer_ft.caffe.layers.base import layer_error
from chainer_ft.caffe.layers.pooling import Pool
from chainer_ft.caffe.message import Message

Variable = Any


def lrn(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """x · (k + alpha · mean of the neighbours' squares) ** -beta."""
    parameter = layer.lrn_param
    size, alpha, beta, k = parameter.local_size, parameter.alpha, parameter.beta, parameter.k
    if size % 2 == 0:
        raise layer_error(layer, f"local_size is odd, not {size}", "lrn_param")
    if parameter.norm_region == "WITHIN_CHANNEL":
        return _within(size, alpha, beta)
    # Caffe divides alpha by the size; Chainer does not.
    return lambda x: F.local_response_normalization(x, size, k, alpha / size, beta)


def _within(size: int, alpha: float, beta: float) -> Callable[[Variable], Variable]:
    """Caffe ignores k here."""
    half = (size - 1) // 2
    pool = Pool("AVE", (size, size), (1, 1), (half, half))
    return lambda x: x * (1 + alpha * pool(F.square(x))) ** -beta
