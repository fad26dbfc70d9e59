"""A schedule of fine-tuning: phases, each with what is frozen and how fast the rest learns."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from chainer_ft.errors import RuleError, ScheduleError
from chainer_ft.select import Glob, Predicate, Selection, parse, predicate
from chainer_ft.select.predicates import GlobPredicate
from chainer_ft.training.schedules.conditions import EarlyStopping
from chainer_ft.training.schedules.lengths import length

if TYPE_CHECKING:
    import chainer

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
        shown = {k: v for k, v in vars(self).items() if v != getattr(_PLAIN, k, None)}
        return f"Phase({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


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


@dataclass(frozen=True)
class Schedule:
    """Phases, one after the other. ``ft.extensions.Schedule`` carries them out.

    Args:
        phases: At least one. Phases without a name are called ``phase 1``, ``phase 2``, ...

    Raises:
        ScheduleError: There is no phase, two have one name, or one before the last has no end.

    Example:
        >>> schedule = Schedule([Phase("1 epoch", freeze="/conv*", name="head"), Phase("4 epochs")])
        >>> [phase.name for phase in schedule.phases]
        ['head', 'phase 2']
    """

    phases: tuple[Phase, ...]

    def __init__(self, phases: Iterable[Phase]) -> None:
        object.__setattr__(self, "phases", _named(tuple(phases)))
        _check_phases(self.phases)

    @classmethod
    def fine_tune(
        cls, frozen: float = 1, epochs: float = 4, head: Selection = "last(1)", lr: float = 0.01
    ) -> Schedule:
        """The head alone first, then everything at a fraction of the rate.

        The head is new and its first gradients are wild; the body, which is good already, meets
        them only when they have calmed down.

        Args:
            frozen: Epochs in which only the head trains.
            epochs: Epochs after these, in which everything trains.
            head: What trains first; the model's last layer by default.
            lr: Factor of the learning rate in the second phase.

        Example:
            >>> print(Schedule.fine_tune(frozen=1, epochs=4).to_yaml())
            phases:
              - name: head
                length: 1 epoch
                freeze: all_but(last(1))
              - name: all
                length: 4 epochs
                lr: 0.01
        """
        from chainer_ft.training.schedules.recipes import fine_tune

        return cls(fine_tune(frozen, epochs, head, lr))

    @classmethod
    def gradual(
        cls,
        model: chainer.Link,
        each: Any = (1, "epoch"),
        last: Any = None,
        stages: int | Sequence[Selection] | None = None,
        decay: float = 1.0,
    ) -> Schedule:
        """Unfreeze from the head down, one stage more in every phase.

        After Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification"
        (2018), section 3.3.

        Args:
            model: The model.
            each: Length of each phase.
            last: Length of the last phase, in which everything trains; ``each`` by default.
            stages: Selections from the input to the head; or how many stages to make of the
                model's children; by default each child that has weights is one.
            decay: Factor of the learning rate from a stage to the one below it; 1 for the same
                rate everywhere, 1 / 2.6 in the paper.

        Raises:
            ScheduleError: The model has fewer stages than asked for.

        Example:
            >>> import chainer
            >>> L = chainer.links
            >>> model = chainer.Chain(a=L.Linear(4, 3), b=L.Linear(3, 3), c=L.Linear(3, 2))
            >>> [phase.freeze for phase in Schedule.gradual(model).phases]
            [(until('/b'),), (until('/a'),), ()]
        """
        from chainer_ft.training.schedules.recipes import gradual

        return cls(gradual(model, length(each), length(last or each), stages, decay))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Schedule:
        """Read a schedule from a YAML file.

        Raises:
            ScheduleError: It is none; names the file, the line and the nearest known key.
            FormatError: The file cannot be read.
        """
        from chainer_ft.training.schedules.yaml_reading import load

        return cls(load(path))

    def to_yaml(self) -> str:
        """The schedule as the text of a YAML file.

        Raises:
            RuleError: A selection is a function or a link itself, which no text stands for.
        """
        from chainer_ft.training.schedules.yaml_writing import to_yaml

        return to_yaml(self)


def _named(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    return tuple(p if p.name else replace(p, name=f"phase {i}") for i, p in enumerate(phases, 1))


def _check_phases(phases: Sequence[Phase]) -> None:
    names = [phase.name for phase in phases]
    if not phases:
        raise ScheduleError("a schedule has at least one phase")
    for name in names:
        if names.count(name) > 1:
            raise ScheduleError(f"two phases are called {name!r}; give each a name of its own")
    for phase in phases[:-1]:
        if phase.length is None and phase.until is None:
            raise ScheduleError(
                f"phase {phase.name!r} never ends, and {len(phases)} phases are given; give it a "
                "length, '1 epoch' say, or a condition under until"
            )
