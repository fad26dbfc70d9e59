"""A schedule as a table, as JSON and as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib import image
from matplotlib.axes import Axes

from chainer_ft.errors import UsageError
from chainer_ft.report import pictures
from chainer_ft.report.timeline import Row, Span, Timeline, timeline_data, timeline_table
from chainer_ft.report.timeline_picture import draw_timeline

SPANS = (Span("head", 0, 1, "1 epoch"), Span("all", 1, 5, "at most 4 epochs", True))
LINE = Timeline(
    (
        Row("/conv1", (None, 0.01), (False, False)),
        Row("/conv2", (None, 0.01), (False, False)),
        Row("/fc", (1.0, 1 / 3), (True, False)),
    ),
    SPANS,
    "epoch",
)


def test_table() -> None:
    assert timeline_table(LINE).splitlines() == [
        "                       head       all",
        "                       1 epoch    at most 4 epochs",
        "/conv1 ... /conv2 (2)  frozen     x0.01",
        "/fc                    x1 partly  x0.333",
    ]


def test_data_is_json() -> None:
    data = json.loads(json.dumps(timeline_data(LINE)))
    assert data["layers"][0] == {"path": "/conv1", "rates": [None, 0.01], "partly": [False, False]}
    assert data["phases"][1]["is_open"] is True and data["unit"] == "epoch"


def test_only_neighbours_that_do_the_same_are_merged() -> None:
    row = LINE.rows[0]
    line = Timeline((row, LINE.rows[2], row), SPANS, "epoch")
    assert len(line.merged().rows) == 3


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What bars are drawn: layer, start, width, colour, hatch."""
    bars: list[tuple[Any, ...]] = []
    plain = Axes.barh

    def barh(self: Axes, y: float, width: float, **how: Any) -> Any:
        bars.append((y, how["left"], width, how["color"], how["hatch"]))
        return plain(self, y, width, **how)

    monkeypatch.setattr(Axes, "barh", barh)
    return bars


def test_every_phase_of_every_layer_is_a_bar(drawn: list[Any], tmp_path: Path) -> None:
    draw_timeline(LINE, tmp_path / "t.png")
    assert [bar[:3] for bar in drawn] == [
        (y, start, width) for y in range(3) for start, width in ((0, 1), (1, 4))
    ]
    grey, slow, fast = drawn[0], drawn[1], drawn[4]
    assert len(set(map(str, (grey[3], slow[3], fast[3])))) == 3
    assert sum(slow[3]) > sum(fast[3])  # darker is faster
    assert (slow[4], fast[4]) == (None, "///")
    assert image.imread(tmp_path / "t.png").shape[0] > 100


def test_a_deep_model_shares_rows(drawn: list[Any], tmp_path: Path) -> None:
    deep = Timeline(LINE.rows[:1] * 40 + LINE.rows[2:], SPANS, "phase")
    draw_timeline(deep, tmp_path / "t.png")
    assert len(drawn) == 2 * 2


def test_without_matplotlib_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install"):
        draw_timeline(LINE, tmp_path / "t.png")
