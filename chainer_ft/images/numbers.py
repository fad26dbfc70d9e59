"""Numbers in JSON: a few as a list, many as the text of their bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LONG = 16  # more numbers are written as text


def written(numbers: Sequence[float]) -> Any:
    """Plain data that JSON can hold; more than a few numbers lose what float32 does not hold.

    Example:
        >>> written((0.5, 1.0)), read(written((0.5,) * 20)) == (0.5,) * 20
        ([0.5, 1.0], True)
    """
    if len(numbers) <= LONG:
        return list(numbers)
    return {"float32": base64.b64encode(np.array(numbers, "<f4").tobytes()).decode("ascii")}


def read(data: Any) -> tuple[float, ...]:
    """The numbers that :func:`written` wrote.

    Raises:
        TypeError, ValueError, KeyError: It did not.
    """
    if isinstance(data, Mapping):
        return tuple(np.frombuffer(base64.b64decode(data["float32"]), "<f4").tolist())
    return tuple(map(float, data))
