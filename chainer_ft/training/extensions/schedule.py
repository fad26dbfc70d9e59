"""Carry out a schedule of fine-tuning, phase by phase."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from typing import Any

import chainer
from chainer import Serializer
from chainer.training import Extension

from chainer_ft.errors import ScheduleError
from chainer_ft.training.lengths import Position, ends_epoch, whole_epochs
from chainer_ft.training.optimizers import optimizer_of
from chainer_ft.training.proof import frozen
from chainer_ft.training.schedules import surroundings
from chainer_ft.training.schedules.checking import problems
from chainer_ft.training.schedules.conductor import Conductor
from chainer_ft.training.schedules.phase import Phase
from chainer_ft.training.schedules.phases import Schedule as Phases
from chainer_ft.training.schedules.progress import Base
from chainer_ft.training.schedules.resuming import Saved, resume
from chainer_ft.training.schedules.stopping import StopTrigger, report_in_each

_log = logging.getLogger("chainer_ft")


class Schedule(Extension):  # type: ignore[misc]
    """Trainer extension that carries out a :class:`chainer_ft.Schedule`.

    The first phase begins before the first update; each other at the end of the iteration in
    which the one before is over. What becomes live then begins with fresh optimizer state; the
    state of what stays live is not touched. At the end of the last phase the trainer stops
    (of several schedules, one for each optimizer: at the end of all). The number of the phase is
    reported as ``phase``, so that the log can have it.

    Snapshots hold all of it. Resuming with a schedule that differs in what is still to come, or
    in when the running phase ends, goes on with the new one and says so; any other difference is
    an error, unless :func:`chainer_ft.resume_with` says what counts.

    Args:
        schedule: The schedule, or the path of a YAML file.
        model: The part of the optimizer's target that its paths begin at; by default all of it.
        strict: Whether a phase that is never reached is an error; else it is a warning.
        optimizer: Name of the optimizer.
        meant: Kinds of problems that are meant so and need no warning: ``untrained``, ``jump``.

    Example:
        >>> from chainer_ft.training.schedules import Schedule as Phases
        >>> Schedule(Phases.fine_tune(frozen=1, epochs=4)).phase.name
        'head'
    """

    priority = -55  # after all that evaluates and logs, and Freeze; before snapshots
    governs_freezing = True
    governs_rates = True

    def __init__(
        self,
        schedule: Phases | str | os.PathLike[str],
        model: chainer.Link | None = None,
        strict: bool = True,
        optimizer: str = "main",
        meant: Collection[str] = (),
    ) -> None:
        self.meant = frozenset(meant)
        self.schedule = schedule if isinstance(schedule, Phases) else Phases.load(schedule)
        self.strict = strict
        self.optimizer = optimizer
        self._given = model
        self._conductor: Conductor | None = None
        self._prefix = ""
        self._saved: Saved | None = None
        self._base = Base()
        self._is_running = False
        self._is_by_epochs = False  # until a look in this run shows that no end was missed
        self._epochs: int | None = None  # that were done at the last look

    @property
    def phase(self) -> Phase:
        """The phase that is running; before the training, the first."""
        begun = self._conductor is not None and self._conductor.progress is not None
        return self._known.phase if begun else self.schedule.phases[0]

    @property
    def is_over(self) -> bool:
        """Whether the last phase is over."""
        progress = self._conductor.progress if self._conductor else None
        return progress is not None and progress.done

    @property
    def frozen_here(self) -> tuple[str, ...]:
        """Paths in the optimizer's target of what the schedule has frozen."""
        own = self._conductor.own if self._conductor else ()
        return tuple(self._prefix + path for path in own)

    @property
    def _known(self) -> Conductor:
        assert self._conductor is not None
        return self._conductor

    def initialize(self, trainer: Any) -> None:
        """Check the schedule and begin it, unless a snapshot was loaded that is in it already."""
        surroundings.check_alone(trainer, self)
        surroundings.check_reachable(trainer, len(self.schedule.phases))
        self._attach(trainer)
        self._complain(trainer)
        if self._known.progress is None:
            self._begin(trainer)
        self._listen(trainer)
        self._epochs = whole_epochs(trainer.updater)
        self._is_running = True

    def _attach(self, trainer: Any) -> None:
        if self._conductor is not None:
            return
        target = self._target(trainer)
        model = target if self._given is None else self._given
        self._prefix = surroundings.prefix_of(model, target)
        twins = surroundings.twins_of(model, trainer, target)
        self._conductor = Conductor(self.schedule, model, twins)

    def _target(self, trainer: Any) -> chainer.Link:
        return optimizer_of(trainer.updater, self.optimizer).target

    def _begin(self, trainer: Any) -> None:
        base = surroundings.base_of(self._known.model, self._prefix, trainer)
        self._known.begin(Position.of(trainer.updater), base)

    def _complain(self, trainer: Any) -> None:
        total, size = surroundings.total_length(trainer), surroundings.epoch_size(trainer)
        for problem in problems(self._known.resolved(), total, size):
            if problem.kind == "unreached" and self.strict:
                raise ScheduleError(f"{problem}; strict=False only warns")
            if problem.kind not in self.meant:
                _log.warning("schedule: %s", problem)

    def _listen(self, trainer: Any) -> None:
        """Report the phase while it runs, and stop the trainer behind the last one."""
        known = self._known
        key = "phase" if self.optimizer == "main" else f"{self.optimizer}/phase"
        report_in_each(trainer.reporter, key, lambda: known.now.index + 1)
        others = [entry.extension for entry in trainer._extensions.values()]
        schedules = [one for one in others if isinstance(one, Schedule)]
        trainer.stop_trigger = StopTrigger(
            trainer.stop_trigger, lambda: all(one.is_over for one in schedules), known.restore_best
        )

    def trigger(self, trainer: Any) -> bool:
        """Fires in each iteration, or in each epoch where that is enough."""
        return not self._is_by_epochs or ends_epoch(trainer.updater, self._epochs)

    def __call__(self, trainer: Any) -> None:
        position = Position.of(trainer.updater, self._epochs)
        self._epochs = whole_epochs(trainer.updater)
        self._known.step(trainer.observation, position)
        self._is_by_epochs = self._known.is_by_epochs

    def hold(self) -> None:
        """Freeze again what another extension has thawed and the running phase has frozen."""
        if self._is_running and not self.is_over:
            self._known.bring(self._known.wanted())

    def finalize(self) -> None:
        """Prove that what is frozen stood still to the end."""
        if self._is_running:
            frozen(self._known.model).check()

    def serialize(self, serializer: Any) -> None:
        """Keep the schedule, how far it is, and the weights of the best check."""
        if not isinstance(serializer, Serializer):
            self._saved = Saved.load(serializer)
        elif self._conductor is not None and self._conductor.progress is not None:
            Saved.of(self._conductor).save(serializer)

    def before_load(self, trainer: Any) -> None:
        """Remember what the script says of the model; called before a snapshot is read."""
        self._attach(trainer)
        self._base = surroundings.base_of(self._known.model, self._prefix, trainer)

    def after_load(self, trainer: Any) -> None:
        """Go on where the snapshot was taken; called when all of it is read."""
        saved, self._saved, self._is_by_epochs = self._saved, None, False
        self._epochs = whole_epochs(trainer.updater)
        if saved is not None:
            resume(self._known, saved, self._base, Position.of(trainer.updater))
            return
        _log.warning(
            "the snapshot knows no schedule; phase %r begins at %s",
            self.schedule.phases[0].name,
            Position.of(trainer.updater),
        )
        if self._known.progress is not None:
            self._begin(trainer)
