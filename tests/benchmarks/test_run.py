"""The benchmarks at a small size: that they run, not how fast."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from math import prod
from pathlib import Path
from typing import Any

import pytest

import chainer_ft as ft

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


def run(script: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["files", "training", "images", "features"])
def suite(request: pytest.FixtureRequest) -> str:
    """Each of them."""
    return request.param


@pytest.fixture(scope="module")
def figures(suite: str) -> list[dict[str, Any]]:
    """The figures of a quick run."""
    data = json.loads(run("run.py", suite, "--quick", "--json"))
    assert data["schema"] == "chainer_ft.benchmarks/1"
    return data["figures"]


#: Where the tables are kept, and the pages that show them.
TABLES = {
    "files": (BENCHMARKS / "results.md", ROOT / "README.md"),
    "training": (BENCHMARKS / "training.md", ROOT / "docs" / "training" / "speed.md"),
    "images": (BENCHMARKS / "images.md", ROOT / "docs" / "training" / "images.md"),
    "features": (BENCHMARKS / "features.md", ROOT / "docs" / "training" / "features.md"),
}


@pytest.mark.slow
class TestQuick:
    def test_measures_every_figure_of_the_table(
        self, suite: str, figures: list[dict[str, Any]]
    ) -> None:
        kept = TABLES[suite][0].read_text(encoding="utf-8")
        rows = [line.split(" | ")[0].strip("| ") for line in kept.splitlines() if line[:2] == "| "]
        assert [_unsized(f["what"]) for f in figures] == [_unsized(row) for row in rows[2:]]

    def test_all_are_positive_numbers(self, figures: list[dict[str, Any]]) -> None:
        assert all(0 < figure["value"] < 1e6 for figure in figures)

    def test_a_goal_is_said_to_be_met_or_not(self, figures: list[dict[str, Any]]) -> None:
        for figure in figures:
            expected = None if figure["goal"] is None else figure["value"] <= figure["goal"]
            assert figure["met"] is expected


def _unsized(what: str) -> str:
    return re.sub(r"[\d,]+ (MB|arrays)", r"N \1", what)


class TestGenerated:
    def test_is_read_with_the_shapes_of_vgg(self, tmp_path: Path) -> None:
        path = tmp_path / "small.caffemodel"
        run("jobs.py", "generate", str(path), "32")
        with ft.open(path) as source:
            shapes = {entry.path: entry.shape for entry in source.listing}
        assert len(shapes) == 38
        assert shapes["/conv5_4/W"] == (16, 16, 3, 3)
        assert shapes["/fc6/W"] == (128, 784)

    def test_full_size_has_the_parameters_of_vgg_19(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(str(BENCHMARKS))
        import vgg19

        layers = list(vgg19.layers())
        biases = sum(max(shape[0], shape[2] if shape[0] == 1 else 0) for _, _, shape in layers)
        assert sum(prod(shape) for _, _, shape in layers) + biases == 143_667_240


@pytest.mark.parametrize("suite", TABLES)
def test_a_page_shows_the_table_that_was_measured(suite: str) -> None:
    results, page = TABLES[suite]
    assert results.read_text(encoding="utf-8") in page.read_text(encoding="utf-8")
