"""Values as Python source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np


def call(name: str, arguments: Sequence[str]) -> str:
    """A call.

    Example:
        >>> call("f", ["1", "x=2"]), literal('a "b"'), literal([1, 2]), literal(0.1)
        ('f(1, x=2)', '"a \\\\"b\\\\""', '(1, 2,)', '0.1')
    """
    return f"{name}({', '.join(arguments)})"


def literal(value: Any) -> str:
    """A value as Python writes it; strings in double quotes."""
    if isinstance(value, float):
        return float32(value)
    if isinstance(value, list):
        return f"({', '.join(map(literal, value))},)"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def float32(value: float) -> str:
    """A float32 in the fewest digits that come back to it."""
    shortest = float(str(np.float32(value)))
    return repr(shortest) if np.isfinite(shortest) else f'float("{shortest}")'
