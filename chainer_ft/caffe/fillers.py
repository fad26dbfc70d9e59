"""Caffe's fillers: the first numbers of a blob. NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod, sqrt
from typing import TYPE_CHECKING, Any

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.text_tokens import PrototxtError
from chainer_ft.select import nearest

if TYPE_CHECKING:
    import numpy as np

Shape = tuple[int, ...]


def fill(filler: Message, shape: Shape, rng: Any = None) -> np.ndarray:
    """Make the first numbers of a blob.

    Args:
        filler: A ``FillerParameter``.
        shape: Of the blob, as Caffe has it; the fans are counted from it.
        rng: A ``numpy.random.RandomState``; NumPy's global generator by default.

    Returns:
        numpy.ndarray: float32. The distributions are Caffe's, the numbers are not: its generator
        is Boost's.

    Raises:
        PrototxtError: There is no such filler, or it cannot fill this shape.

    Example:
        >>> fill(Message("FillerParameter", type="bilinear"), (1, 1, 4, 4))[0, 0, 1].tolist()
        [0.1875, 0.5625, 0.5625, 0.1875]
    """
    import numpy as np

    check_filler(filler)
    return np.asarray(_FILLERS[filler.type](filler, shape, rng or np.random), np.float32)


def check_filler(filler: Message) -> None:
    """Raise :class:`PrototxtError` for a filler that Caffe does not have."""
    if filler.type not in _FILLERS:
        raise PrototxtError(
            f"{filler.where('type')}: there is no filler {filler.type!r}; "
            f"{nearest(filler.type, _FILLERS)}"
        )
    if filler.has("sparse") and filler.sparse != -1 and filler.type != "gaussian":
        raise PrototxtError(
            f"{filler.where('sparse')}: sparse is for gaussian fillers, not for {filler.type}"
        )


def fan(filler: Message, shape: Shape) -> float:
    """The n of xavier and msra: the fan in, the fan out, or their mean.

    Example:
        >>> fan(Message("FillerParameter", variance_norm="AVERAGE"), (10, 4, 3, 3))
        63.0
    """
    count = prod(shape)
    fan_in = count / shape[0] if shape else 1.0
    fan_out = count / shape[1] if len(shape) > 1 else float(count)
    both = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "AVERAGE": (fan_in + fan_out) / 2}
    return both[filler.variance_norm]


def _constant(filler: Message, shape: Shape, rng: Any) -> Any:
    import numpy as np

    return np.full(shape, filler.value)


def _uniform(filler: Message, shape: Shape, rng: Any) -> Any:
    return rng.uniform(filler.min, filler.max, shape)


def _gaussian(filler: Message, shape: Shape, rng: Any) -> Any:
    values = rng.normal(filler.mean, filler.std, shape)
    if filler.sparse >= 0 and shape:
        values = values * (rng.uniform(0, 1, shape) < filler.sparse / shape[0])
    return values


def _xavier(filler: Message, shape: Shape, rng: Any) -> Any:
    limit = sqrt(3 / fan(filler, shape))
    return rng.uniform(-limit, limit, shape)


def _msra(filler: Message, shape: Shape, rng: Any) -> Any:
    return rng.normal(0, sqrt(2 / fan(filler, shape)), shape)


def _unit_ball(filler: Message, shape: Shape, rng: Any) -> Any:
    values = rng.uniform(0, 1, shape)
    axes = tuple(range(1, len(shape)))
    return values / values.sum(axis=axes, keepdims=True)


def _bilinear(filler: Message, shape: Shape, rng: Any) -> Any:
    import numpy as np

    if len(shape) != 4 or shape[2] != shape[3]:
        raise PrototxtError(
            f"{filler.where('type')}: a bilinear filler fills square kernels, not shape {shape}"
        )
    size = shape[3]
    half = ceil(size / 2)
    centre = (size - 1) / (2 * half)
    line = 1 - np.abs(np.arange(size) / half - centre)
    return np.broadcast_to(np.outer(line, line), shape)


_FILLERS: dict[str, Callable[[Message, Shape, Any], Any]] = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "xavier": _xavier,
    "msra": _msra,
    "positive_unitball": _unit_ball,
    "bilinear": _bilinear,
}
