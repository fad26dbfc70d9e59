"""A schedule on a model: which parameters each phase freezes, and how fast the others learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import chainer

from chainer_ft.errors import RuleError
from chainer_ft.links import slots
from chainer_ft.training.lengths import Length
from chainer_ft.training.parameters import tuning_of
from chainer_ft.training.rates import multipliers
from chainer_ft.training.schedules.phase import Phase
from chainer_ft.training.schedules.phases import Schedule
from chainer_ft.training.sites import select, sites

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True)
class Resolved:
    """A phase on a model.

    Args:
        phase: The phase.
        hit: Paths of the links and parameters that it freezes.
        rates: Factor of the learning rate of each parameter, in the model's order; ``None`` of
            those that are frozen.
    """

    phase: Phase
    hit: frozenset[str]
    rates: Mapping[str, float | None]

    @property
    def live(self) -> list[str]:
        """Paths of the parameters that train."""
        return [path for path, rate in self.rates.items() if rate is not None]


def resolve(
    model: chainer.Link, schedule: Schedule, own: Collection[str] = ()
) -> tuple[Resolved, ...]:
    """The phases of a schedule on a model.

    Args:
        model: The model; what is frozen in it already stays frozen in every phase.
        schedule: The schedule.
        own: Paths of parameters that are frozen because the schedule is running.

    Raises:
        ScheduleError: A selection hits nothing or contradicts another, or a phase would freeze
            everything; names the phase.

    Example:
        >>> import chainer
        >>> L = chainer.links
        >>> model = chainer.Chain(conv=L.Convolution2D(3, 4, 3), fc=L.Linear(4, 2, nobias=True))
        >>> dict(resolve(model, Schedule.fine_tune())[0].rates)
        {'/conv/W': None, '/conv/b': None, '/fc/W': 1.0}
    """
    return tuple(_resolve(model, phase, own) for phase in schedule.phases)


def _resolve(model: chainer.Link, phase: Phase, own: Collection[str]) -> Resolved:
    params = {slot.path: slot.value for slot in slots(model) if slot.kind == "param"}
    _check_selections(model, phase)
    try:
        hit = select(model, phase.freeze) if phase.freeze else frozenset()
        factors = multipliers(model, phase.lr)
        multipliers(model, phase.decay)
    except RuleError as error:
        raise phase.told(f"phase {phase.name!r}: {error}") from error
    still = {p for p, one in params.items() if tuning_of(one).frozen and p not in own} | hit
    if still.issuperset(params):
        raise phase.told(
            f"phase {phase.name!r} freezes all {len(params)} parameters of "
            f"{type(model).__name__}, and nothing would train; leave something out"
        )
    rates = {path: None if path in still else factors.get(path, 1.0) for path in params}
    return Resolved(phase, hit, rates)


def _check_selections(model: chainer.Link, phase: Phase) -> None:
    places = sites(model)
    for selection in (*phase.freeze, *phase.lr, *phase.decay):
        try:
            selection.select(places)
        except RuleError as error:
            raise phase.told(f"phase {phase.name!r}: {error}", selection) from error


def least(phase: Phase) -> Length | None:
    """The least that a phase lasts; ``None`` for one that lasts until the trainer stops."""
    most: Length | None = phase.length
    if phase.until is None:
        return most
    checks = phase.until.patience if phase.until.target is None else 1
    soonest = Length(phase.until.check.period * checks, phase.until.check.unit)
    return soonest if most is None or most.unit != soonest.unit else min(most, soonest)
