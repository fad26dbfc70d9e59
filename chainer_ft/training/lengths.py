"""How long a phase is, and where in the training one stands."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from chainer_ft.errors import ScheduleError

Unit = Literal["epoch", "iteration"]

_TEXT = re.compile(r"(\d+(?:\.\d+)?(?:e-\d+)?)\s*(epoch|iteration)s?")

#: Epochs are sums of fractions: what is this close to a boundary has reached it.
_SLACK = 1e-9


class Length(NamedTuple):
    """A number of epochs or iterations; equal to the tuple that Chainer's triggers take.

    Example:
        >>> Length(3, "epoch") == (3, "epoch"), str(Length(1, "iteration"))
        (True, '1 iteration')
    """

    period: float
    unit: Unit

    def __str__(self) -> str:
        whole = float(self.period).is_integer()
        count = int(self.period) if whole else self.period
        return f"{count} {self.unit}{'' if self.period == 1 else 's'}"


def length(value: Any) -> Length:
    """A length of what people write.

    Args:
        value: ``(3, "epoch")``, ``"3 epochs"``, ``"500 iterations"``.

    Raises:
        ScheduleError: It is neither, or not above zero.

    Example:
        >>> length("3 epochs"), length((500, "iteration"))
        (Length(period=3, unit='epoch'), Length(period=500, unit='iteration'))
    """
    text = " ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise ScheduleError(f"{value!r} is no length; write '3 epochs' or '500 iterations'")
    period = float(match[1])
    unit: Unit = "epoch" if match[2] == "epoch" else "iteration"
    whole = period.is_integer()
    if not 0 < period < math.inf or (unit == "iteration" and not whole):
        raise ScheduleError(f"{value!r}: give a number above zero, of iterations a whole one")
    return Length(int(period) if whole else period, unit)


def whole_epochs(updater: Any) -> int | None:
    """Sweeps over the data that are done; ``None`` where the updater does not count them."""
    whole: int | None = getattr(updater, "epoch", None)  # a third of the price of the next
    epoch = getattr(updater, "epoch_detail", None) if whole is None else whole
    return None if epoch is None else int(epoch)


def ends_epoch(updater: Any, before: int | None = None) -> bool:
    """Whether an epoch has ended since a look before.

    Args:
        updater: It counts epochs.
        before: :func:`whole_epochs` at that look. Without it only the last batch is seen, and
            an update can take several.
    """
    if before is not None:
        return (whole_epochs(updater) or 0) > before
    is_new: bool | None = getattr(updater, "is_new_epoch", None)
    if is_new is not None:  # a tenth of the price of counting
        return is_new
    detail = getattr(updater, "previous_epoch_detail", None)
    return detail is not None and int(updater.epoch_detail) > int(detail)


@dataclass(frozen=True)
class Position:
    """Where in the training one stands.

    Args:
        iteration: Updates done.
        epoch: Sweeps over the data done, with their fraction; ``None`` where the updater does
            not count them.
    """

    iteration: int = 0
    epoch: float | None = 0.0

    @classmethod
    def of(cls, updater: Any, before: int | None = None) -> Position:
        """The position of an updater.

        Right behind the end of an epoch it is that end, also where the last batch reached over
        it: phases of whole epochs then stay on whole epochs.

        Args:
            updater: The updater.
            before: :func:`whole_epochs` at the last look, if there was one.
        """
        epoch = getattr(updater, "epoch_detail", None)
        if epoch is not None and ends_epoch(updater, before):
            epoch = float(math.floor(epoch))
        return cls(updater.iteration, epoch)

    def since(self, start: Position, unit: Unit) -> float:
        """How far this is from ``start``.

        Raises:
            ScheduleError: The updater does not count epochs.
        """
        if unit == "iteration":
            return self.iteration - start.iteration
        if self.epoch is None or start.epoch is None:
            raise ScheduleError("this updater counts no epochs; give the length in iterations")
        return self.epoch - start.epoch

    def periods(self, start: Position, every: Length) -> int:
        """How many whole periods lie between ``start`` and here."""
        return math.floor(self.since(start, every.unit) / every.period + _SLACK)

    def __str__(self) -> str:
        epoch = "" if self.epoch is None else f", epoch {self.epoch:.4g}"
        return f"iteration {self.iteration}{epoch}"
