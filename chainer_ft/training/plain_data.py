"""Plain data in a snapshot: one entry of JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError

#: A number, or a number and its dtype: NumPy computes with a float64 scalar in float64, with a
#: Python number in the precision of the array.
SavedNumber = float | list[Any]


def save_state(serializer: Any, state: Any) -> None:
    """Keep plain data in a snapshot, as JSON in bytes (Chainer's HDF5 takes no text)."""
    serializer("state", np.frombuffer(json.dumps(state).encode(), np.uint8))


def load_state(serializer: Any) -> Any:
    """The plain data that :func:`save_state` kept, ``None`` where the snapshot has none.

    Raises:
        FormatError: It is no JSON.
    """
    try:
        held = serializer("state", None)
    except KeyError:
        return None
    try:
        return None if held is None else json.loads(np.asarray(held, np.uint8).tobytes())
    except ValueError as error:
        raise FormatError(f"chainer_ft's state in this snapshot is damaged: {error}") from error


def plain_number(value: Any) -> SavedNumber:
    """A number that JSON can hold, with its dtype if it has one.

    Example:
        >>> plain_number(np.float32(0.5)), plain_number(3)
        ([0.5, '<f4'], 3.0)
    """
    return [float(value), value.dtype.str] if hasattr(value, "dtype") else float(value)


def number_of(saved: SavedNumber) -> Any:
    """The number that :func:`plain_number` gave."""
    return np.dtype(saved[1]).type(saved[0]) if isinstance(saved, list) else saved
