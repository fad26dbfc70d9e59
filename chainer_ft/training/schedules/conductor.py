"""A schedule under way on a model."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import chainer
import numpy as np

from chainer_ft.errors import ScheduleError
from chainer_ft.select import nearest
from chainer_ft.training.lengths import Position
from chainer_ft.training.proof import frozen
from chainer_ft.training.schedules import best
from chainer_ft.training.schedules.conditions import EarlyStopping
from chainer_ft.training.schedules.phase import Phase
from chainer_ft.training.schedules.phases import Schedule
from chainer_ft.training.schedules.progress import Base, Progress
from chainer_ft.training.schedules.resolving import Resolved, resolve
from chainer_ft.training.schedules.setting import Setting, bring, setting

_log = logging.getLogger("chainer_ft")


class Conductor:
    """Brings a model from phase to phase. It knows nothing of trainers.

    Args:
        schedule: The schedule.
        model: The model, which is not touched yet.
        twins: Copies of the model that have to follow it.

    Attributes:
        progress (Progress): How far the schedule is; ``None`` before it begins.
        best (dict): Arrays of the best check in this phase, by path.
    """

    def __init__(
        self, schedule: Schedule, model: chainer.Link, twins: Sequence[chainer.Link] = ()
    ) -> None:
        self.schedule, self.model, self.twins = schedule, model, twins
        self.progress: Progress | None = None
        self.best: dict[str, np.ndarray] = {}

    @property
    def now(self) -> Progress:
        """How far the schedule is, which has begun."""
        assert self.progress is not None
        return self.progress

    @property
    def phase(self) -> Phase:
        """The phase that is running."""
        return self.schedule.phases[self.now.index]

    @property
    def own(self) -> tuple[str, ...]:
        """Paths of what the schedule has frozen."""
        return self.progress.own if self.progress else ()

    @property
    def is_by_epochs(self) -> bool:
        """Whether the running phase, if it is not over yet, can only end where an epoch does."""
        length, start = self.phase.length, self.now.start.epoch
        if self.phase.until is not None or length is None or start is None:
            return False
        return length.unit == "epoch" and float(start + length.period).is_integer()

    def resolved(self) -> tuple[Resolved, ...]:
        """The phases on the model."""
        return resolve(self.model, self.schedule, self.own)

    def begin(self, position: Position, base: Base) -> None:
        """Enter the first phase."""
        self.progress = Progress(0, position, base, self.own)
        self.bring(self.wanted())

    def wanted(self) -> Setting:
        """What the model is to be like in this phase."""
        return setting(self.model, self.resolved()[self.now.index], self.own, self.now.base)

    def bring(self, wanted: Setting, *, keep_state: bool = False) -> None:
        """Bring the model and its copies into a setting."""
        for model in (self.model, *self.twins):
            bring(model, wanted, keep_state=keep_state)
        self.progress = replace(self.now, own=wanted.own)

    def step(self, observation: Mapping[str, Any], position: Position) -> None:
        """Do what is due at the end of an iteration.

        Args:
            observation: What was reported in it.
            position: Where the training is.

        Raises:
            ScheduleError: The metric of the phase was not reported.
            FrozenChangedError: The phase is over, and something frozen has changed in it.
        """
        if self.now.done:
            return
        if self.phase.until is not None:
            self._watch(self.phase.until, observation, position)
        if self._is_over(position):
            self._end(position)

    def _watch(
        self, rule: EarlyStopping, observation: Mapping[str, Any], position: Position
    ) -> None:
        watched = self.now.watched
        if rule.monitor in observation:
            watched = watched.seeing(_number(observation[rule.monitor]))
        interval = position.periods(self.now.start, rule.check)
        if interval > watched.checked and watched.count:
            watched = watched.checking(rule, interval)
            if watched.worse == 0 and rule.restore_best:
                self.best = best.kept(self.model)
        elif interval > watched.checked == 0:
            raise ScheduleError(_never_reported(self.phase, rule, observation))
        if watched is not self.now.watched:
            self.progress = replace(self.now, watched=watched)

    def _is_over(self, position: Position) -> bool:
        length = self.phase.length
        in_full = length is not None and position.periods(self.now.start, length) >= 1
        return in_full or self.now.watched.ended

    def _end(self, position: Position) -> None:
        frozen(self.model).check()
        self.restore_best()
        self.best = {}
        _log.info("phase %r is over at %s", self.phase.name, position)
        if self.now.index + 1 == len(self.schedule.phases):
            self.progress = replace(self.now, done=True)
        else:
            self.enter(self.now.index + 1, position)

    def enter(self, index: int, position: Position) -> None:
        """Begin a phase."""
        now = self.now
        self.progress = Progress(index, position, now.base, now.own)
        self.bring(self.wanted())

    def restore_best(self) -> None:
        """Give the model the weights of the best check, if the phase has kept some."""
        if not self.best:
            return
        _log.info("phase %r: the weights of its best check are restored", self.phase.name)
        best.give_back(self.model, self.best)
        for twin in self.twins:
            twin.copyparams(self.model)


def _number(value: Any) -> float:
    return float(getattr(value, "array", value))


def _never_reported(phase: Phase, rule: EarlyStopping, observation: Mapping[str, Any]) -> str:
    return (
        f"phase {phase.name!r} waits for {rule.monitor!r}, and nothing reported it in the first "
        f"{rule.check}; {nearest(rule.monitor, observation)}. Report it more often, or give "
        "`check` the interval of the Evaluator"
    )
