"""The run folder: what is in it, and what says that a part of the run is over."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.finetune.judging import Judged
from chainer_ft.finetune.settings import Settings
from chainer_ft.formats.atomic import replacing
from chainer_ft.images import Images

#: Names in the run folder.
STATE, LOG, MODEL, PREDICTIONS = "run.json", "log", "model.npz", "predictions.npz"
SNAPSHOT, FEATURES = "snapshot", "features"
SCHEMA = "chainer_ft.run/1"


class RunFolder:
    """A folder that a run writes into, and that it goes on from.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def begin(self, settings: Settings) -> None:
        """Make the folder, and keep the settings in it.

        A run that was refused before its first snapshot does not stand in the way of another.

        Raises:
            UsageError: There is a run in it already.
            FormatError: It cannot be made.
        """
        if any((self.path / name).exists() for name in (SNAPSHOT, LOG, PREDICTIONS)):
            raise UsageError(
                f"{self.path}: holds a run already; go on with it, chainer-ft train --resume "
                f"{self.path}, or name another folder"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FormatError(
                f"{self.path}: cannot be made: {error.strerror}; name another folder"
            ) from error
        self.keep({"settings": settings.to_dict()})

    def keep(self, state: Mapping[str, Any]) -> None:
        """Replace what is known of the run."""
        self.write_text(STATE, json.dumps({"schema": SCHEMA, **state}, indent=1))

    def state(self) -> dict[str, Any]:
        """What is known of the run.

        Raises:
            FormatError: There is none.
        """
        path = self.path / STATE
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            if state["schema"] != SCHEMA:
                raise ValueError(f"schema {state['schema']!r}")
        except OSError as error:
            raise FormatError(
                f"{path}: cannot be opened: {error.strerror}; name the folder that "
                "`chainer-ft train --out` was given"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{path}: is no state of a run: {error}") from error
        return dict(state)

    def settings(self) -> Settings:
        """What the run was told."""
        return Settings.from_dict(self.state()["settings"])

    def check_images(self, images: Images) -> None:
        """Remember which images the run is about; what is there already is of the same ones.

        Raises:
            FormatError: They are others than when the run began.
        """
        state, digest = self.state(), images.digest()
        if "images" not in state:
            self.keep({**state, "images": digest})
        elif state["images"] != digest:
            raise FormatError(
                f"{self.path}: the images or classes of {images.source} are not those that the run "
                "began with; put them back, or begin anew with another --out"
            )

    def child(self, name: str) -> RunFolder:
        """The folder of a baseline, or this one for the fine-tuned net."""
        folder = self if name == "fine-tuned" else RunFolder(self.path / name)
        folder.path.mkdir(parents=True, exist_ok=True)
        return folder

    def write_text(self, name: str, text: str) -> None:
        """Write a file whole."""
        with replacing(self.path / name) as temporary:
            Path(temporary).write_text(text + "\n", encoding="utf-8")

    def finish(self, judged: Judged, facts: Mapping[str, Any]) -> None:
        """Keep what a net says of the validation images: its training is over."""
        with replacing(self.path / PREDICTIONS) as temporary, open(temporary, "wb") as file:
            text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
            np.savez(file, scores=judged.scores, labels=judged.labels, facts=text)

    def finished(self) -> tuple[Judged, dict[str, Any]] | None:
        """What :meth:`finish` kept; ``None`` where the training is not over."""
        path = self.path / PREDICTIONS
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as held:
                facts = json.loads(held["facts"].tobytes())
                return Judged(held["scores"], held["labels"]), facts
        except (OSError, ValueError, KeyError) as error:
            raise FormatError(
                f"{path}: cannot be read ({error}); delete it, and --resume makes it anew"
            ) from error

    def log(self) -> list[dict[str, Any]]:
        """The entries of Chainer's log."""
        path = self.path / LOG
        if not path.exists():
            return []
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return entries
