"""The learning-rate range test, within a trainer."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import Any

from chainer.training import Extension, get_trigger

from chainer_ft.errors import UsageError
from chainer_ft.formats.atomic import replacing
from chainer_ft.report.lr_curves import RangeTest
from chainer_ft.report.pictures import check_drawable
from chainer_ft.training.lr_find import lr_find

_OPTIONS = tuple(inspect.signature(lr_find).parameters)[1:]


class LRFind(Extension):  # type: ignore[misc]
    """Trainer extension that runs :func:`chainer_ft.lr_find`, and changes nothing in the run.

    It prints what it found and writes ``lr_find.png`` and ``lr_find.json`` into the trainer's
    folder. The result itself is the extension's attribute ``found``.

    Args:
        trigger: When; ``None``: before the first iteration, after all that freezes or sets rates,
            and not again in a run that is resumed.
        filename: Name of the picture; ``None``: no files.
        options: Those of :func:`chainer_ft.lr_find`.

    Raises:
        UsageError: An option is unknown, or there is no matplotlib for the picture.

    Example:
        >>> extension = LRFind(groups={"head": "/fc8"}, trigger=(3, "epoch"), filename=None)
        >>> extension.found is None
        True
    """

    priority = -110  # initializers run in this order too, and a snapshot may load itself in its own

    def __init__(
        self, *, trigger: Any = None, filename: str | None = "lr_find.png", **options: Any
    ) -> None:
        unknown = [name for name in options if name not in _OPTIONS]
        if unknown:
            raise UsageError(f"LRFind has no option {unknown[0]!r}; it has {', '.join(_OPTIONS)}")
        if filename is not None:
            check_drawable(filename)
        self.trigger = get_trigger(trigger)
        self.filename, self.options = filename, options
        self.found: RangeTest | None = None
        self._at_start = trigger is None

    def initialize(self, trainer: Any) -> None:
        """Run before the first iteration, if no trigger says otherwise."""
        if self._at_start and trainer.is_before_training:
            self(trainer)

    def __call__(self, trainer: Any) -> None:
        """Run, and tell."""
        found = lr_find(trainer.updater, **self.options)
        self.found = found
        print(found)
        if self.filename is not None:
            path = os.path.join(trainer.out, self.filename)
            found.save_plot(path)
            with replacing(os.path.splitext(path)[0] + ".json") as temporary:
                Path(temporary).write_text(json.dumps(found.to_json()), encoding="utf-8")
