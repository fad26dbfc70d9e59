"""How far a training is, as ``(3, "epoch")`` or ``(500, "iteration")``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainer_ft.errors import UsageError

Length = tuple[float, str]
Until = Length | Callable[[Any], bool]


def check_length(length: Any) -> Length:
    """A length as it should be.

    Raises:
        UsageError: It is no positive number with a unit.

    Example:
        >>> check_length((3, "epoch"))
        (3, 'epoch')
    """
    try:
        count, unit = length
        if unit in ("epoch", "iteration") and count > 0:
            return count, unit
    except (TypeError, ValueError):
        pass
    raise UsageError(f"a length is like (3, 'epoch') or (500, 'iteration'), not {length!r}")


def position(trainer: Any, unit: str) -> float:
    """How far a trainer is, in epochs (with their fraction) or iterations."""
    updater = trainer.updater
    return float(updater.epoch_detail if unit == "epoch" else updater.iteration)


def is_reached(trainer: Any, until: Until) -> bool:
    """Whether a trainer is that far, or a function of it says so."""
    if callable(until):
        return bool(until(trainer))
    count, unit = until
    return position(trainer, unit) >= count


def every_iteration(trainer: Any) -> bool:
    """A trigger that keeps nothing in snapshots, so that an extension can be new to one."""
    return True
