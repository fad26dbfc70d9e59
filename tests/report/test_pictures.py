"""The one place that knows matplotlib."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.report import pictures
from chainer_ft.report.charts import Series, draw_confusion, draw_curves
from chainer_ft.report.drift_picture import save_drift
from chainer_ft.report.lr_curves import Curve, RangeTest
from chainer_ft.report.pictures import check_drawable, picture
from chainer_ft.report.timeline import Row, Span, Timeline
from chainer_ft.report.timeline_picture import draw_timeline


@pytest.mark.parametrize(
    ("name", "head"), [("a.png", b"\x89PNG"), ("a", b"\x89PNG"), ("a.svg", b"<?xml")]
)
def test_the_suffix_says_the_format(tmp_path: Path, name: str, head: bytes) -> None:
    with picture(tmp_path / name) as axes:
        axes.plot([1, 2], [3, 4])
    assert (tmp_path / name).read_bytes().startswith(head)


def test_an_unknown_format_is_told_before_anything_is_drawn(tmp_path: Path) -> None:
    told = pytest.raises(UsageError, match=r"a\.bmp: pictures are written as .*png")
    with told, picture(tmp_path / "a.bmp"):
        pytest.fail("drawn")


def test_a_failed_drawing_leaves_the_old_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), picture(tmp_path / "a.png"):
        _ = 1 / 0
    assert (tmp_path / "a.png").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no folder"), picture(tmp_path / "no" / "a.png"):
        pass


def test_without_matplotlib_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"lr_find\.png: .*pip install matplotlib"):
        check_drawable("lr_find.png")


def test_it_leaves_matplotlib_alone_until_it_draws() -> None:
    code = (
        "import sys, chainer_ft.report.pictures as p; p.check_drawable('x');"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["a $x_$ b", r"$\frac$", "$", r"\$5 and $6_$"])
def test_a_name_with_dollars_is_no_formula(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    row, span = Row(name, (0.1,), (False,)), Span(name, 0, 1, "1 epoch")
    seen = []
    for draw in (
        lambda: draw_timeline(Timeline((row,), (span,), "epoch"), path),
        lambda: save_drift(path, [1], [{name: 0.1}]),
        lambda: RangeTest({name: Curve((0.1,), (1.0,), "")}, "lr").save_plot(path),
        lambda: draw_curves(path, {"loss": [Series(name, (1.0,), (2.0,))]}),
        lambda: draw_confusion(path, [name], [[1]]),
    ):
        draw()
        seen.append(f"<!-- {name} -->" in path.read_text(encoding="utf-8"))
    assert all(seen)
