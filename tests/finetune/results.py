"""A result of a run with everything in it that a page has to show."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from chainer_ft.finetune.measured import Confusion, Contender, Curve, Drift, Margin, Sample, Score
from chainer_ft.finetune.result import RunResult
from chainer_ft.planning import by_name, make_plan
from chainer_ft.types import Listing

CLASSES = ("cat", "<b>dog</b>", "手", "çiçek & co")


def plan() -> dict[str, Any]:
    """A copy map in which everything happens, as JSON."""
    source = {"/conv1/W": (8, 3, 3, 3), "/conv1/b": (8,), "/fc8/W": (10, 8), "/fc8/b": (10,)}
    target = {"/conv1/W": (8, 3, 3, 3), "/conv1/b": (8,), "/fc8/W": (4, 8), "/score/W": (4, 8)}
    made = make_plan(Listing.of(source, "old.npz"), Listing.of(target, "Net"), by_name.POLICY)
    return made.to_dict()


def curve(top: float, epochs: int = 5) -> Curve:
    """It rises to ``top``; one epoch was not evaluated."""
    steps = tuple(float(i + 1) for i in range(epochs))
    rising = tuple(top * (1 - math.exp(-x)) for x in steps)
    seen = tuple(None if i == 1 else y for i, y in enumerate(rising))
    return Curve(steps, tuple(2 - y for y in rising), rising, seen, seen, (0.01,) * epochs, steps)


def contender(name: str, correct: int, margin: Margin | None = None) -> Contender:
    return Contender(name, 0.01, curve(correct / 40), Score(correct, 40), 12.5, margin)


def result(folder: Path, **changes: Any) -> RunResult:
    """A run's result, saved in a folder with one picture of a sample."""
    picture = np.random.RandomState(0).randint(0, 255, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(picture).save(folder / "worst_0.png")
    counts = tuple(tuple(8 if i == j else 1 for j in range(4)) for i in range(4))
    phases = [
        {"name": "head", "start": 0.0, "end": 1.0, "length": "1 epoch", "is_open": False},
        {"name": "all", "start": 1.0, "end": 5.0, "length": "4 epochs", "is_open": False},
    ]
    layers = [
        {"path": "/conv1", "rates": [None, 0.01], "partly": [False, False]},
        {"path": "/score", "rates": [1.0, 0.1], "partly": [False, False]},
    ]
    values: dict[str, Any] = {
        "model": "mymodels.py:ResNet20",
        "weights": "pre/old.npz",
        "scenario": "small-similar",
        "why": "few images that look like those of the source",
        "fine_tuned": contender("fine-tuned", 36),
        "baselines": (
            contender("scratch", 22, Margin(16, 2, 40)),
            contender("frozen", 37, Margin(1, 2, 40)),
        ),
        "confusion": Confusion(CLASSES, counts),
        "worst": (
            Sample("a/<script>.jpg", CLASSES[0], CLASSES[1], 0.01, 4.6, "worst_0.png"),
            Sample("gone.jpg", CLASSES[2], CLASSES[0], 0.2, 1.6, "not_there.png"),
        ),
        "data": {
            "source": "photos",
            "kind": "folder",
            "classes": [
                {"name": name, "train": 1000 + i, "val": 10} for i, name in enumerate(CLASSES)
            ],
            "broken": [{"path": "x.jpg", "reason": "cannot be decoded"}],
            "notes": [],
        },
        "preprocessing": {"size": 32},
        "copy_map": plan(),
        "head": "/score: new, 4 classes",
        "schedule": "phases:\n- name: head\n",
        "timeline": {"unit": "epoch", "phases": phases, "layers": layers},
        "drift": Drift((1.0, 2.0), {"": (0.1, 0.2), "/conv1": (0.0, 0.1)}),
        "settings": {"epochs": 5},
        "seed": 3,
        "device": "@numpy",
        "command": "chainer-ft train photos/ --model mymodels.py:ResNet20",
        "versions": {"chainer": "7.8.1"},
        "notes": ("the statistics fit BGR better than RGB",),
    }
    made = RunResult(**{**values, **changes})
    made.save(folder)
    return made
