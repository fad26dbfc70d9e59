"""Charts are pictures with the lines that were measured."""

from __future__ import annotations

import re
from pathlib import Path

from chainer_ft.report.charts import Series, draw_confusion, draw_curves


def lines(svg: str) -> int:
    """Drawn lines that are longer than a tick."""
    return len(re.findall(r'<path d="M [\d.]+ [\d.]+ \nL [\d.]+ [\d.]+ \nL ', svg))


def test_a_line_for_each_series_and_no_point_where_nothing_was_measured(tmp_path: Path) -> None:
    series = [Series("a", (1, 2, 3, 4), (0.1, None, 0.3, 0.4)), Series("b", (1, 2, 3), (1, 2, 3))]
    assert series[0].points == [(1, 0.1), (3, 0.3), (4, 0.4)]
    draw_curves(tmp_path / "one.svg", {"accuracy": series})
    draw_curves(tmp_path / "two.svg", {"accuracy": series, "loss": series[:1]})
    one, two = ((tmp_path / f"{name}.svg").read_text() for name in ("one", "two"))
    assert lines(two) > lines(one) >= 2


def test_nothing_measured_is_a_picture_too(tmp_path: Path) -> None:
    draw_curves(tmp_path / "empty.png", {"loss": []})
    assert (tmp_path / "empty.png").stat().st_size > 500


def test_names_in_any_script_and_many_classes(tmp_path: Path) -> None:
    draw_confusion(tmp_path / "few.png", ["手", "a"], [[3, 0], [1, 2]])
    many = [[int(i == j) for j in range(60)] for i in range(60)]
    draw_confusion(tmp_path / "many.png", [str(i) for i in range(60)], many)
    assert (tmp_path / "few.png").stat().st_size < (tmp_path / "many.png").stat().st_size
