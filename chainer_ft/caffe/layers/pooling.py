"""Pooling with Caffe's windows and divisors, and SPP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import numpy as np

from chainer_ft.caffe.layers.base import constant, layer_error
from chainer_ft.caffe.layers.windows import Windows, output_size
from chainer_ft.caffe.message import Message

Array = Any
Variable = Any
Pair = tuple[int, int]
_LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class Pool:
    """A pooling, before the size of its input is known.

    Args:
        method: ``MAX``, ``AVE`` or ``STOCHASTIC``.
        kernel: Height and width; None pools over everything.
        stride: Of both axes.
        pad: Of both axes.
        ceil: Whether cut-off windows count.
        train: Whether STOCHASTIC draws.
        tops: With two, MAX gives the places of the maxima too.
    """

    method: str
    kernel: Pair | None
    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    ceil: bool = True
    train: bool = False
    tops: int = 1

    def __call__(self, x: Variable) -> Any:
        """Pool (N, C, H, W)."""
        high, wide = self.windows(x.shape)
        if self.method == "AVE":
            return average(x, high, wide)
        if self.method == "STOCHASTIC":
            return stochastic(x, high, wide, self.train and chainer.config.train)
        return maximum(x, high, wide, self.tops > 1)

    def windows(self, shape: tuple[int, ...]) -> tuple[Windows, Windows]:
        """The windows on the two axes of (N, C, H, W)."""
        if len(shape) != 4:
            raise ValueError(f"Pooling takes blobs of four axes, not of shape {shape}")
        sizes = shape[2:]
        kernel = self.kernel or (sizes[0], sizes[1])
        made = []
        for n, k, s, p in zip(sizes, kernel, self.stride, self.pad, strict=True):
            count = output_size(n, k, s, p, self.ceil, any(self.pad))
            if count < 1:
                raise ValueError(f"a kernel of {k} does not fit into {n} with padding {p}")
            made.append(Windows(n, k, s, p, count))
        return made[0], made[1]


def maximum(x: Variable, high: Windows, wide: Windows, places: bool = False) -> Any:
    """The largest number of each window; the first of equal ones gets the gradient."""
    sizes = _pairs(high, wide)
    made = F.max_pooling_2d(x, *sizes, cover_all=True, return_indices=places)
    y = made[0] if places else made
    if y.shape[2:] != (high.count, wide.count):
        y = y[:, :, : high.count, : wide.count]
    if high.last_is_outside or wide.last_is_outside:
        y = F.maximum(y, y.xp.full_like(y.array, _LOWEST))
    return (y, _flat(x, made[1], high, wide)) if places else y


def _pairs(high: Windows, wide: Windows) -> tuple[Pair, Pair, Pair]:
    return (high.kernel, wide.kernel), (high.stride, wide.stride), (high.pad, wide.pad)


def _flat(x: Variable, indexes: Array, high: Windows, wide: Windows) -> Variable:
    """Places in the plane from places in the windows."""
    xp = x.xp
    inside = indexes[:, :, : high.count, : wide.count]
    rows = xp.arange(high.count)[:, None] * high.stride - high.pad + inside // wide.kernel
    columns = xp.arange(wide.count) * wide.stride - wide.pad + inside % wide.kernel
    return constant((rows * wide.size + columns).astype(x.dtype))


def average(x: Variable, high: Windows, wide: Windows) -> Variable:
    """The mean of each window; padding counts, what hangs over it does not."""
    kernel, stride, pad = _pairs(high, wide)
    if high.reach <= 0 and wide.reach <= 0:
        y = F.average_pooling_2d(x, kernel, stride, pad)
        return y if y.shape[2:] == (high.count, wide.count) else _cut(y, high, wide)
    ends = [(w.pad, w.pad + max(w.reach, 0)) for w in (high, wide)]
    padded = F.pad(x, ((0, 0), (0, 0), *ends), "constant", constant_values=0)
    y = _cut(F.average_pooling_2d(padded, kernel, stride, 0), high, wide)
    return y * y.xp.asarray(_corrections(high, wide).astype(y.dtype))


def _cut(y: Variable, high: Windows, wide: Windows) -> Variable:
    return y[:, :, : high.count, : wide.count]


def _corrections(high: Windows, wide: Windows) -> np.ndarray:
    """Whole windows over what of them counts; nan where that is nothing, as in Caffe."""
    areas = np.outer(high.lengths, wide.lengths).astype("f8")
    areas[areas == 0] = np.nan
    made: np.ndarray = (high.kernel * wide.kernel / areas)[None, None]
    return made


def stochastic(x: Variable, high: Windows, wide: Windows, draws: bool) -> Variable:
    """A number of each window, drawn by its share, or their mean weighted by their shares."""
    kernel, stride, _ = _pairs(high, wide)
    ends = [(0, max(w.reach, 0)) for w in (high, wide)]
    padded = F.pad(x, ((0, 0), (0, 0), *ends), "constant", constant_values=0)
    columns = F.im2col(padded, kernel, stride)[:, :, : high.count, : wide.count]
    shape = (*x.shape[:2], kernel[0] * kernel[1], high.count, wide.count)
    columns = F.reshape(columns, shape)
    total = F.sum(columns, 2)
    if not draws:
        positive = total.array > 0
        safe = F.where(positive, total, total.xp.ones_like(total.array))
        return F.where(positive, F.sum(columns**2, 2) / safe, total.xp.zeros_like(total.array))
    xp = x.xp
    limits = xp.random.uniform(0, 1, total.shape) * total.array
    reached = xp.cumsum(columns.array, 2) >= limits[:, :, None]
    first = xp.arange(shape[2])[:, None, None] == reached.argmax(2)[:, :, None]
    return F.sum(columns * first.astype(x.dtype), 2)


def pooling(layer: Message, phase: str) -> Callable[[Variable], Any]:
    """The maxima or means of windows; the last window may be cut off (round_mode CEIL)."""
    return pool_of(layer, phase)


def pool_of(layer: Message, phase: str = "TEST") -> Pool:
    """The pooling of a layer.

    Raises:
        NetError: Its fields contradict each other.
    """
    parameter = layer.pooling_param
    stride = _pair(layer, "stride", ("stride_h", "stride_w"))
    pad = _pair(layer, "pad", ("pad_h", "pad_w"))
    kernel = _kernel(layer)
    if kernel is None and (any(pad) or stride != (1, 1)):
        raise layer_error(layer, "global_pooling takes neither pad nor stride", "pooling_param")
    if kernel is not None and (pad[0] >= kernel[0] or pad[1] >= kernel[1]):
        raise layer_error(layer, f"pad {pad} is not less than the kernel {kernel}")
    if parameter.pool != "MAX" and len(layer.top) > 1:
        raise layer_error(layer, f"{parameter.pool} pooling has one top", "top")
    if parameter.pool == "STOCHASTIC" and any(pad):
        raise layer_error(layer, "STOCHASTIC pooling takes no pad")
    ceil = parameter.round_mode == "CEIL"
    return Pool(parameter.pool, kernel, stride, pad, ceil, phase == "TRAIN", len(layer.top))


def _kernel(layer: Message) -> Pair | None:
    parameter = layer.pooling_param
    given = any(map(parameter.has, ("kernel_size", "kernel_h", "kernel_w")))
    if parameter.global_pooling:
        if given:
            raise layer_error(layer, "global_pooling takes no kernel_size", "pooling_param")
        return None
    kernel = _pair(layer, "kernel_size", ("kernel_h", "kernel_w"))
    if not all(kernel):
        raise layer_error(layer, "kernel_size, or kernel_h and kernel_w, are needed")
    return kernel


def _pair(layer: Message, one: str, two: tuple[str, str]) -> Pair:
    parameter = layer.pooling_param
    if not any(map(parameter.has, two)):
        value = getattr(parameter, one)
        return value, value
    if parameter.has(one):
        raise layer_error(layer, f"both {one} and {two[0]}, {two[1]} are given; keep one")
    high, wide = (getattr(parameter, name) for name in two)
    if not (high and wide) and one == "stride":
        raise layer_error(layer, f"{two[0]} and {two[1]} are both needed")
    return high, wide
