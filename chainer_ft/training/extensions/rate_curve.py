"""Learning rates that follow a curve over the whole training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from chainer.training import Extension

from chainer_ft.errors import UsageError
from chainer_ft.training.lengths import Length, Position, length
from chainer_ft.training.optimizers import optimizer_of
from chainer_ft.training.rate_curves import one_cycle
from chainer_ft.training.schedules.surroundings import total_length
from chainer_ft.training.summary import STEP_NAMES


class _RateCurve(ABC, Extension):  # type: ignore[misc]
    """Sets the optimizer's rate before each update; it knows nothing but where the updater is."""

    trigger = (1, "iteration")
    priority = -60  # behind all that reports the rate of this iteration

    def __init__(self, lr: float | None, over: Any, optimizer: str) -> None:
        self.lr, self.optimizer = lr, optimizer
        self.over: Length | None = None if over is None else length(over)
        self._name = ""  # not begun

    @abstractmethod
    def factor(self, progress: float) -> float:
        """Share of the highest rate when so much of the training is done."""

    def initialize(self, trainer: Any) -> None:
        """Take the highest rate and the length, where they are not given, and set the first."""
        optimizer = optimizer_of(trainer.updater, self.optimizer)
        known = [name for name in STEP_NAMES if name in optimizer.hyperparam.get_dict()]
        if not known:
            raise UsageError(
                f"{type(optimizer).__name__} has no learning rate, neither lr nor alpha"
            )
        self._name = known[0]
        if self.lr is None:
            self.lr = getattr(optimizer, self._name)
        self.over = self.over or total_length(trainer)
        if self.over is None:
            raise UsageError(
                f"{type(self).__name__} cannot see when the trainer stops; say how long the curve "
                "is: over=(5, 'epoch')"
            )
        self(trainer)

    def __call__(self, trainer: Any) -> None:
        """Set the rate of the next update."""
        assert self.over is not None and self.lr is not None
        done = Position.of(trainer.updater).since(_START, self.over.unit)
        optimizer = optimizer_of(trainer.updater, self.optimizer)
        setattr(optimizer, self._name, self.lr * self.factor(min(done / self.over.period, 1.0)))

    def after_load(self, trainer: Any) -> None:
        """Go on from here, where the snapshot was loaded behind the beginning of the run."""
        if self._name:
            self(trainer)


_START = Position()


class OneCycle(_RateCurve):
    """Trainer extension that lets the learning rate rise and fall once over the training.

    The rate of an update depends on where the updater is and on nothing else, so that a resumed
    run has the same. Multipliers of layers and phases count on top.

    Args:
        lr: The highest rate; by default the optimizer's own (``lr``, or ``alpha`` of Adam).
        warm: Share of the training in which it rises.
        start: The first rate, as a share of the highest.
        end: The last rate, as a share of the highest.
        over: How long the curve is, ``(5, "epoch")``; by default until the trainer stops.
        optimizer: Name of the optimizer.

    Example:
        >>> OneCycle(0.1).factor(0.25)
        1.0
    """

    def __init__(
        self,
        lr: float | None = None,
        *,
        warm: float = 0.25,
        start: float = 0.04,
        end: float = 1e-5,
        over: Any = None,
        optimizer: str = "main",
    ) -> None:
        super().__init__(lr, over, optimizer)
        self.warm, self.start, self.end = warm, start, end

    def factor(self, progress: float) -> float:
        """Share of the highest rate when so much of the training is done."""
        return one_cycle(progress, self.warm, self.start, self.end)


class Cosine(_RateCurve):
    """Trainer extension that lets the learning rate fall along half a cosine.

    After I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts"
    (2017), without the restarts. Resuming and multipliers are as for :class:`OneCycle`.

    Args:
        lr: The first rate; by default the optimizer's own (``lr``, or ``alpha`` of Adam).
        warm: Share of the training in which it rises to that from 0.
        end: The last rate, as a share of the first.
        over: How long the curve is, ``(5, "epoch")``; by default until the trainer stops.
        optimizer: Name of the optimizer.

    Example:
        >>> [round(Cosine(0.1).factor(x / 2), 3) for x in range(3)]
        [1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        lr: float | None = None,
        *,
        warm: float = 0.0,
        end: float = 0.0,
        over: Any = None,
        optimizer: str = "main",
    ) -> None:
        super().__init__(lr, over, optimizer)
        self.warm, self.end = warm, end

    def factor(self, progress: float) -> float:
        """Share of the first rate when so much of the training is done."""
        return one_cycle(progress, self.warm, 0.0, self.end)
