"""When an extension is called: what costs less in each iteration than Chainer's own triggers."""

from __future__ import annotations

from typing import Any

from chainer_ft.training.lengths import whole_epochs


def every_iteration(trainer: Any) -> bool:
    """A trigger that keeps nothing in snapshots, so that an extension can be new to one."""
    return True


class EveryEpoch:
    """Fires where Chainer's ``(1, "epoch")`` does, and is one look at the iterator.

    Its place in snapshots is that of Chainer's, but an extension can be new to one.
    """

    def __init__(self) -> None:
        self._seen = 0.0  # epochs at the last look; negative: not known

    def __call__(self, trainer: Any) -> bool:
        now, before = whole_epochs(trainer.updater) or 0, self._seen
        self._seen = now
        if before < 0:
            before = trainer.updater.previous_epoch_detail
        return now != int(before)

    def serialize(self, serializer: Any) -> None:
        """Keep where the last look was."""
        try:
            self._seen = serializer("previous_epoch_detail", self._seen)
        except KeyError:
            self._seen = -1.0


def cheapest(trigger: Any) -> Any:
    """The same trigger, as a cheaper one where there is one.

    Example:
        >>> type(cheapest((1, "epoch"))).__name__, cheapest((2, "epoch"))
        ('EveryEpoch', (2, 'epoch'))
    """
    return EveryEpoch() if trigger == (1, "epoch") else trigger
