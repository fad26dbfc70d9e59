"""What came of a run, as plain data: ``result.json`` in the run folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chainer_ft.errors import FormatError
from chainer_ft.finetune.measured import Confusion, Contender, Drift, Sample
from chainer_ft.formats.atomic import replacing

#: Name of the file in the run folder.
FILE = "result.json"
SCHEMA = "chainer_ft.result/1"


@dataclass(frozen=True)
class RunResult:
    """All that a page about a run needs, besides the pictures of the worst samples.

    Args:
        model: What was given as the model.
        weights: What was given as the weights, ``None`` where there were none.
        scenario: Name of the scenario, or of the file of the schedule.
        why: What ``auto`` says of its choice, or what the scenario is.
        fine_tuned: The net that the run is about.
        baselines: The others of the comparison.
        confusion: Of the fine-tuned net.
        worst: The validation images with the largest loss, the worst first.
        data: Counts and complaints, as :meth:`chainer_ft.images.Images.to_dict` gives them.
        preprocessing: What becomes of an image, as plain data.
        copy_map: Which weights came from where: a plan as JSON (``chainer_ft.plan/1``); ``None``
            where there were no weights.
        head: What became of the head, in words.
        schedule: The schedule as YAML.
        timeline: What trains when and at which rate, as :func:`~chainer_ft.report.timeline.
            timeline_data` gives it.
        drift: How far each layer went from the pretrained weights.
        settings: Options of the run by name: epochs, batch size, optimizer, decay, ...
        seed: Of split, order, augmentation and initial weights.
        device: Where it was computed.
        command: The command line, or the call, as it can be typed again.
        versions: Of everything that took part.
        notes: What one should know: preprocessing that does not fit, cached features, ...
    """

    model: str
    weights: str | None
    scenario: str
    why: str
    fine_tuned: Contender
    baselines: tuple[Contender, ...]
    confusion: Confusion
    worst: tuple[Sample, ...]
    data: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    copy_map: Mapping[str, Any] | None
    head: str
    schedule: str
    timeline: Mapping[str, Any]
    drift: Drift
    settings: Mapping[str, Any]
    seed: int
    device: str
    command: str
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain data, with a ``schema`` key."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunResult:
        """The result that :meth:`to_dict` gave, also by way of JSON.

        Raises:
            FormatError: It is none, or of another version.
        """
        if data.get("schema") != SCHEMA:
            raise FormatError(f"schema is {data.get('schema')!r}, not {SCHEMA!r}")
        plain = {name: value for name, value in data.items() if name != "schema"}
        parts = {
            "fine_tuned": Contender.from_dict(data["fine_tuned"]),
            "baselines": tuple(map(Contender.from_dict, data["baselines"])),
            "confusion": Confusion.from_dict(data["confusion"]),
            "worst": tuple(Sample(**one) for one in data["worst"]),
            "drift": Drift.from_dict(data["drift"]),
            "notes": tuple(data["notes"]),
        }
        return cls(**{**plain, **parts})

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``result.json`` into a run folder."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        with replacing(os.path.join(folder, FILE)) as temporary:
            # names of files may hold what UTF-8 cannot; in JSON that is written as Python does
            Path(temporary).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> RunResult:
        """Read ``result.json`` of a run folder.

        Raises:
            FormatError: It is not there, or is no result.
        """
        path = os.path.join(folder, FILE)
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise FormatError(
                f"{path}: cannot be opened: {error.strerror}; a run that is over has one"
            ) from error
        except (KeyError, TypeError, ValueError, AttributeError, FormatError) as error:
            raise FormatError(f"{path}: is no result of a run: {error}") from error
