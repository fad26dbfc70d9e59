"""What a trainer tells while it runs: a line for each epoch, a bar on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TextIO

from chainer.training import Extension, Trainer

_COLUMNS = {
    "epoch": "epoch",
    "phase": "phase",
    "lr": "lr",
    "main/loss": "loss",
    "main/accuracy": "accuracy",
    "validation/main/loss": "val loss",
    "validation/main/accuracy": "val accuracy",
    "elapsed_time": "seconds",
}
_WIDTH = 30
_PATIENCE = 2.0


class Lines(Extension):  # type: ignore[misc]
    """Trainer extension that prints a line for each new entry of the log.

    Args:
        say: Prints a line.
    """

    trigger = (1, "epoch")
    priority = 50  # behind LogReport

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._shown = 0

    def initialize(self, trainer: Trainer) -> None:
        """Print the head of the table."""
        self._shown = len(trainer.get_extension("LogReport").log)
        self.say("  ".join(f"{title:>12}" for title in _COLUMNS.values()))

    def __call__(self, trainer: Trainer) -> None:
        """Print what is new."""
        log = trainer.get_extension("LogReport").log
        for entry in log[self._shown :]:
            self.say("  ".join(f"{_cell(entry.get(key)):>12}" for key in _COLUMNS))
        self._shown = len(log)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}"


class Bar(Extension):  # type: ignore[misc]
    """Trainer extension that shows how much of the training is done.

    Args:
        out: A terminal.
        name: Which training.
    """

    trigger = (1, "iteration")
    priority = -200

    def __init__(self, out: TextIO, name: str = "") -> None:
        self.out, self.name = out, name
        self._start = self._drawn = 0.0

    def initialize(self, trainer: Trainer) -> None:
        """Begin to count the time."""
        self._start = time.monotonic()

    def __call__(self, trainer: Trainer) -> None:
        """Draw, ten times a second at most, and only what takes its time."""
        now = time.monotonic()
        if now - self._start < _PATIENCE or now - self._drawn < 0.1:
            return
        self._drawn = now
        epochs, _ = trainer.stop_trigger.get_training_length()
        share = min(trainer.updater.epoch_detail / epochs, 1.0)
        bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
        self.out.write(f"\r[{bar}] {share:4.0%} of {epochs:g} epochs \x1b[K")
        self.out.flush()

    def finalize(self) -> None:
        """Leave a clean line."""
        if self._drawn:
            self.out.write("\r\x1b[K")
            self.out.flush()
