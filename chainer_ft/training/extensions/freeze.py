"""Freeze parts of the model for all of the training, or until a point in it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from chainer import Serializer
from chainer.training import Extension

from chainer_ft.errors import UsageError
from chainer_ft.select import Selection, predicate
from chainer_ft.training.copies import copies_once, follow
from chainer_ft.training.freezing import freeze, thaw
from chainer_ft.training.frozen_mode import Dropout, Mode, Statistics
from chainer_ft.training.lengths import Length, Position, length
from chainer_ft.training.optimizers import optimizer_of
from chainer_ft.training.plain_data import load_state, save_state
from chainer_ft.training.proof import frozen
from chainer_ft.training.resume import ResumeError
from chainer_ft.training.triggers import every_iteration

_log = logging.getLogger("chainer_ft")

#: ``(3, "epoch")``, ``"3 epochs"``, or a function of the trainer.
Until = tuple[float, str] | str | Callable[[Any], Any]


class Freeze(Extension):  # type: ignore[misc]
    """Trainer extension that freezes parts of the model, and proves that they stood still.

    What is frozen is compared with its digest at each snapshot, at the thaw and at the end. A
    resumed run is frozen as the snapshot says; if the script's selection is another one than
    that of the snapshot, loading it is an error.

    Args:
        selection: What to freeze, as for :func:`chainer_ft.freeze`. Without one nothing more is
            frozen, and what is frozen already is proved.
        until: When it is thawed: ``(3, "epoch")``, ``"500 iterations"``, or a function of the
            trainer, asked after each iteration. ``None``: never.
        statistics: ``train`` lets BatchNormalization use and move batch statistics.
        dropout: ``on`` leaves dropout inside frozen links on.
        optimizer: Name of the optimizer whose target it is.

    Example:
        >>> extension = Freeze("/conv*", until=(3, "epoch"))
        >>> extension
        Freeze(['/conv*'], until=(3, 'epoch'))
    """

    trigger = staticmethod(every_iteration)
    priority = -50  # after all that evaluates and logs, before snapshots

    def __init__(
        self,
        *selection: Selection,
        until: Until | None = None,
        statistics: Statistics = "still",
        dropout: Dropout = "off",
        optimizer: str = "main",
    ) -> None:
        self.selection = [predicate(one) for one in selection]
        self.until = until if until is None or callable(until) else length(until)
        self.mode = Mode(statistics, dropout)
        self.optimizer = optimizer
        self.thawed: bool | None = None  # None: not begun
        self.governs_freezing = bool(selection)
        self.frozen_here: tuple[str, ...] = ()
        self._loaded: dict[str, Any] | None = None
        self._model: Any = None

    def initialize(self, trainer: Any) -> None:
        """Freeze, unless a snapshot was loaded that says otherwise.

        Raises:
            UsageError: It could not be thawed.
        """
        self._model = self._target(trainer)
        self._check_reachable(trainer)
        self.thawed, begins = bool(self.thawed), self.thawed is None
        if begins:
            self.hold()
        follow(trainer.updater)
        self._thaw_if_reached(trainer)

    def hold(self) -> None:
        """Freeze what is not frozen; also what another extension has just thawed."""
        if self.selection and self.thawed is False:
            before = frozen(self._model)
            now = freeze(self._model, *self.selection, **asdict(self.mode))
            self.frozen_here += tuple(p for p in (*now.params, *now.links) if p not in before)

    def _check_reachable(self, trainer: Any) -> None:
        if self.until is not None and copies_once(trainer.updater):
            raise UsageError(
                f"{self!r}: {type(trainer.updater).__name__} copies the model to its workers once, "
                "and they would never hear of the thaw; use StandardUpdater or ParallelUpdater, or "
                "thaw in a second run"
            )

    def __call__(self, trainer: Any) -> None:
        self._thaw_if_reached(trainer)

    def _thaw_if_reached(self, trainer: Any) -> None:
        if self.thawed or not self._is_over(trainer):
            return
        frozen(self._model).check()
        if self.frozen_here:
            thaw(self._model, self.frozen_here)
        self.thawed = True
        for entry in trainer._extensions.values():
            same = getattr(entry.extension, "optimizer", None) == self.optimizer
            if same and hasattr(entry.extension, "hold"):
                entry.extension.hold()
        follow(trainer.updater)

    def _is_over(self, trainer: Any) -> bool:
        if self.until is None or callable(self.until):
            return self.until is not None and bool(self.until(trainer))
        return Position.of(trainer.updater).periods(Position(), self.until) > 0

    def finalize(self) -> None:
        """Prove that what is frozen stood still to the end."""
        if self._model is not None:
            frozen(self._model).check()

    def serialize(self, serializer: Any) -> None:
        """Keep what was frozen by this extension, and whether it is thawed."""
        if isinstance(serializer, Serializer):
            save_state(serializer, self._state())
        else:
            self._loaded = load_state(serializer)

    def after_load(self, trainer: Any) -> None:
        """Go on as the snapshot says; called when all of it is read."""
        saved, self._loaded = self._loaded, None
        if saved is None:
            if self.selection:
                place = Position.of(trainer.updater)
                _log.warning("the snapshot knows no %s; %r begins at %s", self.name, self, place)
            return
        own = self._state()
        for key in ("selection", "until", "mode"):
            if saved[key] != own[key]:
                raise ResumeError(
                    f"{self!r}: the snapshot was taken with {key} {saved[key]}, the script has "
                    f"{own[key]}; give the extension the same, or begin anew from the weights of "
                    f"the snapshot (chainer-ft convert SNAPSHOT model.npz)"
                )
        self.thawed, self.frozen_here = saved["thawed"], tuple(saved["own"])

    def _state(self) -> dict[str, Any]:
        return {
            "selection": list(map(repr, self.selection)),
            "until": None if self.until is None else _words(self.until),
            "mode": asdict(self.mode),
            "own": list(self.frozen_here),
            "thawed": bool(self.thawed),
        }

    def _target(self, trainer: Any) -> Any:
        return optimizer_of(trainer.updater, self.optimizer).target

    def __repr__(self) -> str:
        until = "" if self.until is None else f", until={_words(self.until)}"
        return f"Freeze({self.selection!r}{until})"


def _words(until: Callable[[Any], Any] | Length) -> str:
    if callable(until):
        return str(getattr(until, "__qualname__", type(until).__name__))
    return str(tuple(until))
