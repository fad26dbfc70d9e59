"""The scenario that is chosen by what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_runs import make_files, tune

from chainer_ft.finetune.auto import decide, every_fourth
from chainer_ft.finetune.depths import Depth
from chainer_ft.finetune.probe import Probe, Probes
from chainer_ft.images import Item

PLACES = [("", "/conv1"), ("/conv1", "/conv2"), ("/conv2", "/fc")]


def probes(*correct: int, chance: float = 0.1) -> Probes:
    """Probes at the input, after the first and after the second layer, of 200 samples."""
    return Probes(
        tuple(
            Probe(Depth(after, before, (4,)), 4, right, 200, 0.5)
            for (after, before), right in zip(PLACES, correct, strict=True)
        ),
        chance,
    )


@pytest.mark.parametrize(
    ("found", "per_class", "scenario", "cut"),
    [
        (probes(60, 150, 196), 20, "small-similar", None),
        (probes(60, 120, 150), 20, "large-similar", None),
        (probes(60, 120, 150), 500, "large-similar", None),
        (probes(60, 150, 90), 20, "small-different", "/conv1"),
        (probes(60, 150, 90), 500, "large-different", None),
        (probes(150, 90, 60), 20, "large-different", None),
        (probes(22, 20, 24), 20, "large-different", None),
    ],
)
def test_what_speaks_for_which(
    found: Probes, per_class: float, scenario: str, cut: str | None
) -> None:
    choice = decide(found, per_class)
    assert (choice.scenario, choice.cut) == (scenario, cut)
    assert f"{found.last.accuracy:.1%}" in choice.why


def test_every_fourth_is_of_every_class() -> None:
    labels = np.random.default_rng(0).integers(5, size=200)
    held = every_fourth([Item(str(i), int(label)) for i, label in enumerate(labels)])
    counts, all_counts = np.bincount(labels[held]), np.bincount(labels)
    assert (counts == -(-all_counts // 4)).all()


def test_auto_decides_once(tmp_path: Path) -> None:
    make_files(tmp_path)
    result = tune(tmp_path, "run", scenario="auto", epochs=2)
    choice = json.loads((tmp_path / "run" / "auto.json").read_text())
    assert (result.scenario, result.why) == (choice["scenario"], choice["why"])
    choice.update(scenario="large-different", why="I say so", cut=None)
    (tmp_path / "run" / "auto.json").write_text(json.dumps(choice))
    again = tune(tmp_path, "run", resume=True)
    assert (again.scenario, again.why) == ("large-different", "I say so")
