"""What of the model trains, printed when the training begins and whenever that changes."""

from __future__ import annotations

import sys
from typing import Any

from chainer.training import Extension

from chainer_ft.report.table import wants_colour
from chainer_ft.training.optimizers import optimizer_of
from chainer_ft.training.summary import summary
from chainer_ft.training.triggers import cheapest


class Summary(Extension):  # type: ignore[misc]
    """Trainer extension that prints :func:`chainer_ft.summary` of the model.

    Before the first iteration, after all that freezes or sets rates; and again when the trigger
    fires and something else trains than was last printed, or at another multiplier.

    Args:
        trigger: When to look whether something changed.
        out: The stream; ``None``: standard output.
        optimizer: Name of the optimizer whose target it is.

    Example:
        >>> extension = Summary(trigger=(100, "iteration"))
        >>> extension.trigger
        (100, 'iteration')
    """

    priority = -110  # initializers run in this order too, and a snapshot may load itself in its own

    def __init__(
        self, *, trigger: Any = (1, "epoch"), out: Any = None, optimizer: str = "main"
    ) -> None:
        self.trigger, self.optimizer = cheapest(trigger), optimizer
        self._out = out
        self._printed: object = None

    def initialize(self, trainer: Any) -> None:
        """Print."""
        self(trainer)

    def __call__(self, trainer: Any) -> None:
        """Print, where something changed."""
        now = summary(optimizer_of(trainer.updater, self.optimizer).target)
        if now != self._printed:
            out = self._out or sys.stdout
            out.write(now.table(wants_colour(out)) + "\n")
            out.flush()
            self._printed = now
