"""Multipliers of learning rate and weight decay, for a trainer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from chainer import Serializer
from chainer.training import Extension

from chainer_ft.select import Selection, predicate
from chainer_ft.training.lengths import Position
from chainer_ft.training.optimizers import optimizer_of
from chainer_ft.training.plain_data import load_state, save_state
from chainer_ft.training.rates import learning_rates
from chainer_ft.training.resume import ResumeError
from chainer_ft.training.triggers import every_iteration

_log = logging.getLogger("chainer_ft")


class LearningRates(Extension):  # type: ignore[misc]
    """Trainer extension that multiplies learning rate and weight decay for parts of the model.

    The multipliers are set when the training begins and stay; they follow every schedule of the
    optimizer's own rate. A second ``optimizer.setup`` does not undo them, and a snapshot keeps
    them.

    Args:
        lr: Selections and factors, as for :func:`chainer_ft.learning_rates`.
        decay: The same for weight decay.
        optimizer: Name of the optimizer whose target it is.

    Example:
        >>> extension = LearningRates({"/fc8": 10, "/conv*": 0.1}, decay={"/**/b": 0})
        >>> extension
        LearningRates({'/fc8': 10, '/conv*': 0.1}, decay={'/**/b': 0})
    """

    trigger = staticmethod(every_iteration)
    priority = -50
    governs_rates = True

    def __init__(
        self,
        lr: Mapping[Selection, float] | None = None,
        decay: Mapping[Selection, float] | None = None,
        optimizer: str = "main",
    ) -> None:
        self.lr = {predicate(one): factor for one, factor in (lr or {}).items()}
        self.decay = {predicate(one): factor for one, factor in (decay or {}).items()}
        self.optimizer = optimizer
        self._loaded: Any = None

    def initialize(self, trainer: Any) -> None:
        """Set the multipliers."""
        learning_rates(optimizer_of(trainer.updater, self.optimizer).target, self.lr, self.decay)

    def __call__(self, trainer: Any) -> None:
        """Nothing: they are set."""

    def serialize(self, serializer: Any) -> None:
        """Keep what it was told."""
        if isinstance(serializer, Serializer):
            save_state(serializer, repr(self))
        else:
            self._loaded = load_state(serializer)

    def after_load(self, trainer: Any) -> None:
        """Compare the script with the snapshot."""
        saved, self._loaded = self._loaded, None
        if saved is None:
            place = Position.of(trainer.updater)
            _log.warning("the snapshot knows no %s; %r counts from %s on", self.name, self, place)
        elif saved != repr(self):
            raise ResumeError(
                f"the snapshot was taken with {saved}, the script has {self!r}; give it the same, "
                "or begin anew from the weights of the snapshot"
            )

    def __repr__(self) -> str:
        decay = f", decay={self.decay!r}" if self.decay else ""
        return f"LearningRates({self.lr!r}{decay})"
