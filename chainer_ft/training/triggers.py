"""When an extension is called."""

from __future__ import annotations

from typing import Any


def every_iteration(trainer: Any) -> bool:
    """A trigger that keeps nothing in snapshots, so that an extension can be new to one.

    It costs less than Chainer's own trigger of one iteration, too.
    """
    return True
