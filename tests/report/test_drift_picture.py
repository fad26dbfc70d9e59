"""The picture of drift: names for a few layers, a scale for many."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainer_ft.report.drift_picture import save_drift


def drawn(path: Path, layers: list[str], points: int) -> str:
    drifts = [{layer: float(i) for layer in [*layers, ""]} for i in range(points)]
    save_drift(path, list(range(points)), drifts)
    return path.read_text(encoding="utf-8")


def test_a_few_layers_are_named(tmp_path: Path) -> None:
    text = drawn(tmp_path / "a.svg", ["/conv1", "/fc"], 3)
    assert "<!-- /conv1 -->" in text
    assert "<!-- /fc -->" in text
    assert "in the model's order" not in text


def test_many_are_told_apart_by_depth(tmp_path: Path) -> None:
    text = drawn(tmp_path / "a.svg", [f"/conv{i}" for i in range(50)], 3)
    assert "<!-- layer, in the model's order -->" in text
    assert "<!-- /conv1 -->" not in text


@pytest.mark.parametrize(("layers", "points"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_next_to_nothing(tmp_path: Path, layers: int, points: int) -> None:
    assert "<svg" in drawn(tmp_path / "a.svg", ["/fc"] * layers, points)


def test_a_layer_that_appears_later(tmp_path: Path) -> None:
    save_drift(tmp_path / "a.svg", [1, 2], [{"/a": 0.1, "": 0.1}, {"/a": 0.2, "/b": 0.1, "": 0.2}])
    assert "<!-- /b -->" in (tmp_path / "a.svg").read_text(encoding="utf-8")
