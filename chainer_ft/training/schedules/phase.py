"""A part of the training in which the same things learn at the same rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from chainer_ft.errors import RuleError, ScheduleError
from chainer_ft.select import Glob, Predicate, Selection, parse, predicate
from chainer_ft.select.predicates import GlobPredicate
from chainer_ft.training.lengths import length
from chainer_ft.training.schedules.conditions import EarlyStopping

_EVERYTHING = GlobPredicate(Glob("/**"))


@dataclass(frozen=True)
class Phase:
    """A part of the training in which the same things learn at the same rates.

    Args:
        length: ``(3, "epoch")`` or ``"3 epochs"``. With ``until``, the most it may last. The last
            phase may have neither and then lasts until the trainer stops.
        freeze: What is frozen, besides what was frozen before the schedule; all else is live.
            Text is read as in YAML: globs, ``first(5)``, ``until(/pool3)``, ``all_but(/fc8)``.
        lr: What the optimizer's learning rate is multiplied by: one number for everything, or
            numbers by selection. What no selection hits has 1.
        decay: The same for weight decay.
        until: Ends the phase when a metric says so.
        name: For messages and the log.
        statistics: ``train`` lets BatchNormalization in frozen links move its statistics.
        dropout: ``on`` leaves dropout in frozen links on.
        place: File and line, for messages, where it was read from a file.
        places: The same of its selections.

    Raises:
        ScheduleError: A value is not what it has to be.
        RuleError: A selection cannot be read.

    Example:
        >>> Phase("1 epoch", freeze="all_but(/fc)", lr={"/fc/b": 2})
        Phase(length=Length(period=1, unit='epoch'), freeze=(all_but('/fc'),), lr={'/fc/b': 2.0})
    """

    length: Any = None
    freeze: Any = ()
    lr: Any = field(default_factory=dict)
    decay: Any = field(default_factory=dict)
    until: EarlyStopping | None = None
    name: str = ""
    statistics: Literal["still", "train"] = "still"
    dropout: Literal["off", "on"] = "off"
    place: str = field(default="", compare=False, repr=False)
    places: Mapping[Predicate, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.length is not None:
            object.__setattr__(self, "length", length(self.length))
        object.__setattr__(self, "freeze", selections(self.freeze))
        object.__setattr__(self, "lr", _factors(self.lr, "lr"))
        object.__setattr__(self, "decay", _factors(self.decay, "decay"))
        if self.until is not None and not isinstance(self.until, EarlyStopping):
            raise ScheduleError(f"until is an EarlyStopping, not {self.until!r}")
        _check_word("statistics", self.statistics, ("still", "train"))
        _check_word("dropout", self.dropout, ("off", "on"))

    def __repr__(self) -> str:
        told = {f.name: getattr(self, f.name) for f in fields(self) if f.repr}
        shown = {k: v for k, v in told.items() if v != getattr(_PLAIN, k, None)}
        return f"Phase({', '.join(f'{k}={v!r}' for k, v in shown.items())})"

    def told(self, problem: str, selection: Predicate | None = None) -> ScheduleError:
        """An error that says where the phase, or a selection in it, stands."""
        place = self.places.get(selection, self.place) if selection else self.place
        return ScheduleError(f"{place}: {problem}" if place else problem)


def selections(value: Selection) -> tuple[Predicate, ...]:
    """Predicates of one selection or of several."""
    many = isinstance(value, (list, tuple, set, frozenset))
    return tuple(map(selection, value if many else (value,)))


def selection(value: Selection) -> Predicate:
    """A predicate; text is read as in YAML.

    Raises:
        RuleError: It cannot be read.
    """
    if not isinstance(value, str):
        return predicate(value)
    if value.count("(") != value.count(")"):
        raise RuleError(f"{value!r}: a parenthesis is missing; in a YAML list, quote the whole")
    return parse(value)


def _factors(value: Any, what: str) -> dict[Predicate, float]:
    pairs = value if isinstance(value, Mapping) else {_EVERYTHING: value}
    factors = {selection(key): _factor(factor, what) for key, factor in pairs.items()}
    return {} if factors == {_EVERYTHING: 1.0} else factors


def _factor(value: Any, what: str) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ScheduleError(f"{what}: {value!r} is no factor; give a number like 0.1")
    if what == "lr" and value == 0:
        raise ScheduleError("lr: 0 would compute gradients for nothing; put it under freeze")
    return float(value)


def _check_word(name: str, word: object, known: Sequence[str]) -> None:
    if word not in known:
        raise ScheduleError(f"{name} is one of {', '.join(known)}, not {word!r}")


_PLAIN = Phase()
