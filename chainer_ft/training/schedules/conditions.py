"""When a metric ends a phase."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from chainer_ft.errors import ScheduleError
from chainer_ft.training.lengths import length

Mode = Literal["auto", "min", "max"]


@dataclass(frozen=True)
class EarlyStopping:
    """Ends a phase when a metric gets no better, or is good enough.

    At the end of each interval ``check`` the mean of the values reported in it is compared with
    the best so far, as Chainer's :class:`~chainer.training.triggers.EarlyStoppingTrigger` does.

    Args:
        monitor: Name of the reported value.
        patience: The phase ends after so many checks in a row that were no better than the best.
        mode: Whether better is less (``min``) or more (``max``); ``auto`` is ``max`` for names
            with ``accuracy`` in them, else ``min``.
        check: How often to look.
        target: A value that is good enough: the phase ends when it is reached.
        restore_best: At the end of the phase, give the model the weights and persistents that it
            had at the best check.

    Raises:
        ScheduleError: A value is not what it has to be.

    Example:
        >>> EarlyStopping("validation/main/accuracy").higher_is_better
        True
    """

    monitor: str = "validation/main/loss"
    patience: int = 3
    mode: Mode = "auto"
    check: Any = (1, "epoch")
    target: float | None = None
    restore_best: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", length(self.check))
        if not isinstance(self.monitor, str) or not self.monitor:
            raise ScheduleError(f"monitor names a reported value, not {self.monitor!r}")
        if type(self.patience) is not int or self.patience < 1:
            raise ScheduleError(f"patience is a number of checks, 1 or more, not {self.patience!r}")
        if self.mode not in ("auto", "min", "max"):
            raise ScheduleError(f"mode is one of auto, min, max, not {self.mode!r}")
        if self.target is not None and not _is_number(self.target):
            raise ScheduleError(f"target is a number, not {self.target!r}")
        if type(self.restore_best) is not bool:
            raise ScheduleError(f"restore_best is true or false, not {self.restore_best!r}")

    @property
    def higher_is_better(self) -> bool:
        """Whether more is better."""
        return self.mode == "max" or (self.mode == "auto" and "accuracy" in self.monitor)

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether a value beats the best so far; nan beats nothing."""
        if best is None:
            return not math.isnan(value)
        return value > best if self.higher_is_better else value < best

    def is_enough(self, value: float) -> bool:
        """Whether a value reaches the target."""
        if self.target is None:
            return False
        return value >= self.target if self.higher_is_better else value <= self.target

    def __str__(self) -> str:
        enough = "" if self.target is None else f", or {self.target:g}"
        return f"until {self.monitor} is no better for {self.patience} checks{enough}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Watched:
    """What has been seen of a metric in a phase; a value, so that a snapshot can hold it.

    Args:
        best: The best mean of an interval.
        worse: Checks since then.
        total: Sum of the values in this interval.
        count: Their number.
        checked: Intervals that are over.
        ended: Whether the condition is fulfilled.
    """

    best: float | None = None
    worse: int = 0
    total: float = 0.0
    count: int = 0
    checked: int = 0
    ended: bool = False

    def seeing(self, value: float) -> Watched:
        """The same with one more value.

        Example:
            >>> Watched().seeing(2.0).seeing(4.0).checking(EarlyStopping(), 1).best
            3.0
        """
        return Watched(self.best, self.worse, self.total + value, self.count + 1, self.checked)

    def checking(self, rule: EarlyStopping, interval: int) -> Watched:
        """The same at the end of an interval in which there was at least one value.

        Args:
            rule: The condition.
            interval: How many intervals are over now.
        """
        mean = self.total / self.count
        better = rule.is_better(mean, self.best)
        best, worse = (mean, 0) if better else (self.best, self.worse + 1)
        ended = worse >= rule.patience or rule.is_enough(mean)
        return Watched(best, worse, checked=interval, ended=ended)
