"""Go on with a schedule where a snapshot was taken."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainer_ft.training.lengths import Position
from chainer_ft.training.plain_data import load_state, save_state
from chainer_ft.training.resume import ResumeError, choice
from chainer_ft.training.schedules.conductor import Conductor
from chainer_ft.training.schedules.progress import Base, Progress
from chainer_ft.training.schedules.setting import is_set
from chainer_ft.training.schedules.transition import Transition, schedule_data, transition

_log = logging.getLogger("chainer_ft")


@dataclass(frozen=True)
class Saved:
    """What a snapshot holds of a schedule.

    Args:
        schedule: The schedule as plain data.
        progress: How far it was, as plain data.
        best: Arrays of the best check in the running phase, by path.
    """

    schedule: list[dict[str, Any]]
    progress: dict[str, Any]
    best: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, conductor: Conductor) -> Saved:
        """What a snapshot is to hold."""
        return cls(schedule_data(conductor.schedule), conductor.now.to_dict(), conductor.best)

    def save(self, serializer: Any) -> None:
        """Write it into a snapshot."""
        state = {"schedule": self.schedule, "progress": self.progress, "best": list(self.best)}
        save_state(serializer, state)
        for path, array in self.best.items():
            serializer["best"](path[1:], array)

    @classmethod
    def load(cls, serializer: Any) -> Saved | None:
        """What :meth:`save` wrote, ``None`` where the snapshot has none."""
        state = load_state(serializer)
        if state is None:
            return None
        best = {path: np.array(serializer["best"](path[1:], None)) for path in state["best"]}
        return cls(state["schedule"], state["progress"], best)


def resume(conductor: Conductor, saved: Saved, base: Base, position: Position) -> None:
    """Go on where the snapshot was taken.

    Args:
        conductor: The schedule of the script on its model, which is in the state of the snapshot
            already, unless the script is to count.
        saved: What the snapshot holds.
        base: What the script said of the model.
        position: Where the training is.

    Raises:
        ResumeError: The schedules differ in what was done already or is being done, and nobody
            said what counts.
    """
    own, before = conductor.own, Progress.from_dict(saved.progress)
    found = transition(saved.schedule, schedule_data(conductor.schedule), before.index)
    last = len(conductor.schedule.phases) - 1
    conductor.best = dict(saved.best)
    conductor.progress = replace(before, index=min(before.index, last))
    if choice() == "script":
        conductor.progress = replace(conductor.now, base=base, own=own)
        conductor.bring(conductor.wanted(), keep_state=True)
    elif choice() is None:
        _refuse([*found.conflicts, *_changes(conductor, base)])
    _tell(found)
    if before.done and last > before.index:
        conductor.enter(before.index + 1, position)


def _changes(conductor: Conductor, base: Base) -> list[str]:
    """What is otherwise although the schedule is the same."""
    if base != conductor.now.base:
        return [f"before the schedule, the script had {conductor.now.base}; it has {base}"]
    if not is_set(conductor.model, conductor.wanted()):
        return [f"the selections of phase {conductor.phase.name!r} hit other parameters now"]
    return []


def _refuse(conflicts: list[str]) -> None:
    if conflicts:
        raise ResumeError(
            "the snapshot was taken with another schedule: " + "; ".join(conflicts) + ". Give the "
            "same, or load it under chainer_ft.resume_with('snapshot'), which leaves the running "
            "phase as it is, or chainer_ft.resume_with('script'), which makes it as it is now"
        )


def _tell(found: Transition) -> None:
    changes = [*found.conflicts, *found.later]
    if changes:
        _log.warning("resumed with another schedule: %s", "; ".join(changes))
