"""Curves and drift, read from Chainer's log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainer_ft.finetune.measured import Curve, Drift

Entries = Sequence[Mapping[str, Any]]

#: Names in the log, by name in a curve.
_NAMES = {
    "loss": "main/loss",
    "accuracy": "main/accuracy",
    "val_loss": "validation/main/loss",
    "val_accuracy": "validation/main/accuracy",
    "lr": "lr",
    "seconds": "elapsed_time",
}


def curve_of(entries: Entries, epoch_size: float) -> Curve:
    """The curve of a log.

    Args:
        entries: As LogReport writes them.
        epoch_size: Iterations in an epoch.

    Example:
        >>> curve_of([{"iteration": 4, "main/loss": 2.0}], 4.0)
        Curve(epoch=(1.0,), loss=(2.0,), accuracy=(None,), ...)
    """
    epochs = tuple(round(one["iteration"] / epoch_size, 4) for one in entries)
    values = {name: tuple(one.get(key) for one in entries) for name, key in _NAMES.items()}
    return Curve(epochs, **values)


def drift_of(entries: Entries, epoch_size: float, prefix: str) -> Drift:
    """How far each layer went, by the log.

    Args:
        entries: As LogReport writes them.
        epoch_size: Iterations in an epoch.
        prefix: Path of the model in the optimizer's target.
    """
    held = [one for one in entries if "drift" in one]
    start = f"drift{prefix}"
    paths = [key for key in (held[0] if held else {}) if key.startswith(f"{start}/")]
    layers = {key[len(start) :]: tuple(one[key] for one in held) for key in paths}
    whole = {"": tuple(one["drift"] for one in held)} if held else {}
    return Drift(tuple(round(one["iteration"] / epoch_size, 4) for one in held), layers | whole)
