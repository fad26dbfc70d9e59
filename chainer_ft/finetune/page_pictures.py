"""The pictures of a run: as PNG beside the page, as SVG inside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from chainer_ft.finetune.measured import Contender
from chainer_ft.finetune.result import RunResult
from chainer_ft.report.charts import Series, draw_confusion, draw_curves
from chainer_ft.report.drift_picture import save_drift
from chainer_ft.report.html import Html, image_file
from chainer_ft.report.timeline import timeline_of
from chainer_ft.report.timeline_picture import draw_timeline

_ALT = {
    "curves": "accuracy and loss by epoch, fine-tuned and baselines",
    "confusion": "confusion matrix: true class against predicted class",
    "timeline": "which layers train in which epoch at which learning rate",
    "drift": "relative distance of each layer from the pretrained weights by epoch",
}


def draw_pictures(result: RunResult, folder: Path) -> dict[str, Html]:
    """Write ``curves.png`` and its like into a folder; the same as HTML, by name."""
    made = {}
    with TemporaryDirectory() as temporary:
        for name, draw in _pictures(result).items():
            draw(folder / f"{name}.png")
            inside = Path(temporary) / f"{name}.svg"
            draw(inside)
            made[name] = image_file(inside, _ALT[name])
    return made


def _pictures(result: RunResult) -> dict[str, Callable[[Path], None]]:
    drift, confusion = result.drift, result.confusion
    drifts = [
        {path: values[i] for path, values in drift.layers.items()} for i in range(len(drift.epoch))
    ]
    drawn: dict[str, Callable[[Path], None]] = {
        "curves": lambda path: draw_curves(path, _panels(result)),
        "confusion": lambda path: draw_confusion(path, confusion.classes, confusion.counts),
        "timeline": lambda path: draw_timeline(timeline_of(result.timeline), path),
    }
    if drifts:
        drawn["drift"] = lambda path: save_drift(path, drift.epoch, drifts)
    return drawn


def _panels(result: RunResult) -> dict[str, list[Series]]:
    everyone = (result.fine_tuned, *result.baselines)
    accuracy = [Series(c.name, c.curve.epoch, c.curve.val_accuracy) for c in everyone]
    return {
        "accuracy on validation images": accuracy,
        "loss": [one for c in everyone for one in _losses(c)],
    }


def _losses(contender: Contender) -> list[Series]:
    curve = contender.curve
    return [Series(contender.name, curve.epoch, curve.val_loss)]
