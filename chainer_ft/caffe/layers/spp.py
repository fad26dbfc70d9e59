"""SPP: pooling into a pyramid of windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainer.functions as F  # noqa: N812

from chainer_ft.caffe.layers.base import layer_error
from chainer_ft.caffe.layers.pooling import Pair, Pool
from chainer_ft.caffe.message import Message

Variable = Any


def spp(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """Pooling into 1, 4, 16, ... windows, side by side as one vector."""
    parameter = layer.spp_param
    if not parameter.pyramid_height:
        raise layer_error(layer, "pyramid_height is missing")

    def pyramid(x: Variable) -> Variable:
        levels = [
            Pool(parameter.pool, *_level(x.shape[2:], 1 << i), train=phase == "TRAIN")(x)
            for i in range(parameter.pyramid_height)
        ]
        return F.concat([F.reshape(y, (y.shape[0], -1)) for y in levels], axis=1)

    return pyramid


def _level(sizes: tuple[int, ...], bins: int) -> tuple[Pair, Pair, Pair]:
    """Kernel, stride and pad that cut both axes into so many windows."""
    kernel = tuple(-(-n // bins) for n in sizes)
    pad = tuple((k * bins - n + 1) // 2 for k, n in zip(kernel, sizes, strict=True))
    return kernel, kernel, pad  # type: ignore[return-value]
