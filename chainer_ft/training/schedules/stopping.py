"""The end of a schedule is the end of the training, and is said while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainer


class StopTrigger:
    """A trainer's stop trigger, which also fires when a schedule is over.

    Args:
        inner: The trainer's own trigger; what it saves and knows is asked of it.
        is_over: Whether the schedule is over.
        stopped: Called when the trainer's own trigger fires.
    """

    def __init__(
        self, inner: Any, is_over: Callable[[], bool], stopped: Callable[[], None]
    ) -> None:
        self.inner, self.is_over, self.stopped = inner, is_over, stopped

    def __call__(self, trainer: Any) -> bool:
        if self.inner(trainer):
            self.stopped()
            return True
        return self.is_over()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def report_in_each(reporter: chainer.Reporter, key: str, value: Callable[[], int]) -> None:
    """Put a value into each observation of a trainer, before its update.

    An extension that is called behind all others cannot report to them, and a hook of the
    optimizer would make Chainer walk through all parameters once more.

    Args:
        reporter: The trainer's.
        key: The name of what is reported.
        value: Gives it.
    """
    plain = reporter.scope

    def scope(observation: dict[str, Any]) -> Any:
        observation[key] = value()
        return plain(observation)

    reporter.scope = scope
