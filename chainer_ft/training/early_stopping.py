"""How far Chainer's ``EarlyStoppingTrigger`` is, through a snapshot.

Chainer saves nothing of it: a resumed run would forget the best value, and stop later than the
unbroken one. It is asked behind the snapshot of an iteration, for what was reported in that
iteration; a resumed run begins with that question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainer.training.triggers import EarlyStoppingTrigger, IntervalTrigger

from chainer_ft.training.plain_data import number_of, plain_number
from chainer_ft.training.schedules.stopping import StopTrigger

#: Of the interval at whose end it compares.
_PLACE = ("_previous_iteration", "_previous_epoch_detail")


def capture(trainer: Any) -> dict[str, Any] | None:
    """The state of the trainer's stop trigger as plain data, ``None`` where it is another one."""
    trigger = _trigger(trainer)
    if trigger is None:
        return None
    seen, interval = trainer.observation.get(trigger.monitor), trigger._interval_trigger
    of_interval = _PLACE if isinstance(interval, IntervalTrigger) else ()
    return {
        "monitor": trigger.monitor,
        "best": plain_number(trigger.best),
        "count": trigger.count,
        "sums": list(map(plain_number, _sums(trigger))),
        "interval": {name: float(getattr(interval, name)) for name in of_interval},
        "seen": None if seen is None else plain_number(getattr(seen, "array", seen)),
    }


def restore(saved: Mapping[str, Any] | None, trainer: Any) -> None:
    """Give it back, where the script's trigger watches the same value."""
    trigger = _trigger(trainer)
    if trigger is None or saved is None or saved["monitor"] != trigger.monitor:
        return
    trigger.best, trigger.count = number_of(saved["best"]), saved["count"]
    if saved["sums"]:
        summary = trigger._summary._summaries[trigger.monitor]
        summary._x, summary._x2, summary._n = map(number_of, saved["sums"])
    for name, value in saved["interval"].items():
        setattr(trigger._interval_trigger, name, value)
    if saved["seen"] is not None:
        trainer.observation = {trigger.monitor: number_of(saved["seen"])}


def _sums(trigger: Any) -> tuple[Any, ...]:
    """Sum, sum of squares and number of the values in this interval."""
    summary = trigger._summary._summaries.get(trigger.monitor)
    return () if summary is None else (summary._x, summary._x2, summary._n)


def _trigger(trainer: Any) -> Any:
    """The trigger itself, where a schedule stands before it."""
    trigger = trainer.stop_trigger
    while isinstance(trigger, StopTrigger):
        trigger = trigger.inner
    return trigger if isinstance(trigger, EarlyStoppingTrigger) else None
