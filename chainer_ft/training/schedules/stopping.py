"""The end of a schedule is the end of the training, and is said while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
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


class PhaseReport:
    """Optimizer hook that reports the number of the phase in which an update is made.

    It is no extension because the phase is over when extensions are called.

    Args:
        key: The name of what is reported.
        phase: Gives the number, from 1.
    """

    name = "chainer_ft_phase"
    call_for_each_param = False
    timing = "pre"

    def __init__(self, key: str, phase: Callable[[], int]) -> None:
        self.key, self.phase = key, phase

    def hook_into(self, optimizer: chainer.Optimizer) -> Callable[[], None]:
        """Add it to an optimizer, in the place of an older one.

        Returns:
            Takes it away again.
        """
        _unhook(optimizer)
        optimizer.add_hook(self)
        return lambda: _unhook(optimizer)

    def __call__(self, optimizer: chainer.Optimizer) -> None:
        chainer.report({self.key: self.phase()})


def _unhook(optimizer: chainer.Optimizer) -> None:
    with suppress(KeyError):  # a second optimizer.setup forgets the hooks
        optimizer.remove_hook(PhaseReport.name)
