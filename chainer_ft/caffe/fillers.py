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
_PIECE = 1 << 18


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


def _drawn(shape: Shape, draw: Callable[[int], Any]) -> np.ndarray:
    """float32 numbers, drawn in pieces: NumPy draws in float64, which takes twice the memory."""
    import numpy as np

    values = np.empty(shape, np.float32)
    flat = values.reshape(-1)
    for start in range(0, flat.size, _PIECE):
        flat[start : start + _PIECE] = draw(min(_PIECE, flat.size - start))
    return values


def _constant(filler: Message, shape: Shape, rng: Any) -> Any:
    import numpy as np

    return np.full(shape, filler.value, np.float32)


def _uniform(filler: Message, shape: Shape, rng: Any) -> Any:
    return _drawn(shape, lambda n: rng.uniform(filler.min, filler.max, n))


def _gaussian(filler: Message, shape: Shape, rng: Any) -> Any:
    values = _drawn(shape, lambda n: rng.normal(filler.mean, filler.std, n))
    if filler.sparse >= 0 and shape:
        values *= _drawn(shape, lambda n: rng.uniform(0, 1, n) < filler.sparse / shape[0])
    return values


def _xavier(filler: Message, shape: Shape, rng: Any) -> Any:
    limit = sqrt(3 / fan(filler, shape))
    return _drawn(shape, lambda n: rng.uniform(-limit, limit, n))


def _msra(filler: Message, shape: Shape, rng: Any) -> Any:
    deviation = sqrt(2 / fan(filler, shape))
    return _drawn(shape, lambda n: rng.normal(0, deviation, n))


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
