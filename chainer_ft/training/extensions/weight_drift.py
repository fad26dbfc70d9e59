"""How far the weights are from where they began, in the log and as a picture."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

import chainer
from chainer import Serializer
from chainer.training import PRIORITY_WRITER, Extension

from chainer_ft.report.drift_picture import save_drift
from chainer_ft.report.pictures import check_drawable
from chainer_ft.training.drift import Start, arrays_of, checked, drift, place_of
from chainer_ft.training.optimizers import optimizer_of
from chainer_ft.training.plain_data import load_state, save_state
from chainer_ft.training.triggers import cheapest

_log = logging.getLogger("chainer_ft")


class WeightDrift(Extension):  # type: ignore[misc]
    """Trainer extension that reports each layer's relative distance from the pretrained weights.

    ``|w - w0| / |w0|`` of every link with parameters of its own is reported as ``drift/PATH``
    (``drift/predictor/conv1``), that of the whole model as ``drift``; LogReport and PrintReport
    know them by these names. A picture, ``drift.png`` in the trainer's folder, has a line for
    each layer.

    It keeps a copy of the parameters, and a snapshot does too, so that a resumed run goes on
    measuring from the same start.

    Args:
        start: The pretrained weights: the model or a part of it as it is now, another link, or
            arrays by path; ``None``: the model as it is when the training begins. What has no
            weights there is measured from the first look.
        filename: Name of the picture; ``None``: none.
        trigger: When it is measured.
        optimizer: Name of the optimizer whose target it is; of another than ``main`` the names
            begin with it (``gen/drift/conv1``). Give each of several a ``filename`` of its own.

    Raises:
        UsageError: There is no matplotlib for the picture.

    Example:
        >>> extension = WeightDrift(trigger=(5, "epoch"), filename=None)
        >>> extension.trigger
        (5, 'epoch')
    """

    priority = PRIORITY_WRITER

    def __init__(
        self,
        start: chainer.Link | Mapping[str, Any] | None = None,
        *,
        filename: str | None = "drift.png",
        trigger: Any = (1, "epoch"),
        optimizer: str = "main",
    ) -> None:
        if filename is not None:
            check_drawable(filename)
        self.trigger, self.filename, self.optimizer = cheapest(trigger), filename, optimizer
        self.history: list[dict[str, Any]] = []
        self._link = start if isinstance(start, chainer.Link) else None
        self._given = start if self._link is None else arrays_of(self._link)
        self._start: Start = {}
        self._known: frozenset[str] = frozenset()

    def initialize(self, trainer: Any) -> None:
        """Take the start, unless the script or a snapshot has it."""
        model = self._target(trainer)
        if self._given is not None:
            given = checked(self._given, model, place_of(self._link, model))
            self._start.update(given)
            self._known = frozenset(given)
        elif not self._start:
            self._start = arrays_of(model)
            if not trainer.is_before_training:
                _log.warning("the snapshot has no start for WeightDrift; it measures from now on")

    def __call__(self, trainer: Any) -> None:
        """Measure, report, draw."""
        drifts = drift(self._target(trainer), self._start)
        name = "drift" if self.optimizer == "main" else f"{self.optimizer}/drift"
        chainer.report({f"{name}{layer}": value for layer, value in drifts.items()})
        self.history.append({"epoch": trainer.updater.epoch_detail, "drift": drifts})
        if self.filename is not None:
            epochs = [one["epoch"] for one in self.history]
            path = os.path.join(trainer.out, self.filename)
            save_drift(path, epochs, [one["drift"] for one in self.history])

    def serialize(self, serializer: Any) -> None:
        """Keep what was measured, and what of the start the script does not give."""
        if isinstance(serializer, Serializer):
            own = {path: a for path, a in self._start.items() if path not in self._known}
            save_state(serializer, {"history": self.history, "start": [*own]})
            for path, array in own.items():
                serializer["start"](path.lstrip("/"), array)
        else:
            self._load(serializer, load_state(serializer))

    def _load(self, serializer: Any, state: Any) -> None:
        if state is not None:
            self.history = state["history"]
            kept = serializer["start"]
            given = {path: self._start[path] for path in self._known}
            self._start = {path: kept(path.lstrip("/"), None) for path in state["start"]} | given

    def _target(self, trainer: Any) -> chainer.Link:
        return optimizer_of(trainer.updater, self.optimizer).target
