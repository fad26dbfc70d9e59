"""Curves of a range test: what is suggested, when it ends, how it is told."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.report.lr_curves import WINDOW, Curve, RangeTest, diverges

RATES = tuple(10 ** (-6 + i / 10) for i in range(71))


def falling(at: float, up: float = 1.0) -> Curve:
    """A loss that falls from 2 to 1 around one rate, and rises from another."""
    losses = (
        2 - 1 / (1 + (at / rate) ** 2) + (rate / up) ** 3 * (rate > up / 10) for rate in RATES
    )
    return Curve(RATES, tuple(losses), "reached 10")


class TestSuggestion:
    @pytest.mark.parametrize("at", [1e-4, 1e-3, 1e-2])
    def test_is_where_the_loss_falls_fastest(self, at: float) -> None:
        best = falling(at).suggestion
        assert best is not None
        assert at / 1.6 < best < at * 1.6

    def test_is_a_tenth_of_the_lowest_at_most(self) -> None:
        """Where the loss falls faster and faster, and then rises at once."""
        losses = [2 - (rate / 1e-2) for rate in RATES if rate < 1e-2]
        losses += [2.0 + i for i in range(71 - len(losses))]
        curve = Curve(RATES, tuple(losses), "diverged at 1")
        assert curve.lowest is not None and curve.steepest is not None
        assert curve.rates[curve.steepest] > 2e-3
        assert curve.suggestion == pytest.approx(curve.rates[curve.lowest] / 10, rel=0.3)

    def test_is_a_rate_of_the_test(self) -> None:
        """A tenth of the lowest may lie before the first."""
        curve = Curve((1.0, 1.1, 1.2, 1.3), (4.0, 3.0, 1.0, 0.5), "reached 1.3")
        assert curve.suggestion == 1.0

    def test_there_is_none_where_the_loss_only_rises(self) -> None:
        rising = Curve(RATES, tuple(float(i) for i in range(71)), "reached 10")
        assert rising.suggestion is None
        assert "none: it never falls" in str(RangeTest({"all": rising}, "lr"))

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_there_is_none_of_too_few_points(self, count: int) -> None:
        curve = Curve(RATES[:count], (1.0, 0.5)[:count], "diverged at 1e-06")
        assert curve.suggestion is None
        assert "diverged at 1e-06" in str(RangeTest({"all": curve}, "lr"))


finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, max_size=71))
def test_a_suggestion_is_one_of_the_rates_before_the_lowest(losses: list[float]) -> None:
    curve = Curve(RATES[: len(losses)], tuple(losses), "")
    if curve.suggestion is not None:
        assert curve.rates.index(curve.suggestion) < (curve.lowest or 0)
    assert len(curve.smoothed) == len(losses)
    for i, value in enumerate(curve.smoothed):
        near = losses[max(0, i - WINDOW) : i + WINDOW + 1]
        assert min(near) - 1e-6 <= value <= max(near) + 1e-6


class TestDiverges:
    @pytest.mark.parametrize("last", [math.nan, math.inf, -math.inf])
    def test_what_is_no_number_at_once(self, last: float) -> None:
        assert diverges([1.0, last], 4.0)

    def test_not_for_one_bad_batch(self) -> None:
        assert not diverges([1.0] * 10 + [5.0], 4.0)

    def test_a_loss_below_zero(self) -> None:
        assert not diverges([-1.0] * 20, 4.0)
        assert diverges([-1.0] * 20 + [50.0], 4.0)

    @given(st.lists(finite, max_size=4))
    def test_not_before_there_is_a_window(self, losses: list[float]) -> None:
        assert not diverges(losses, 1.0)


class TestTold:
    def test_a_table_with_a_line_for_each_group(self) -> None:
        found = RangeTest({"all": falling(1e-3), "head": falling(1e-2)}, "alpha")
        lines = str(found).splitlines()
        assert lines[0].split("  ")[0] == "group"
        assert "suggested alpha" in lines[0]
        assert [line.split()[0] for line in lines[1:]] == ["all", "head"]

    def test_json_is_plain_and_versioned(self) -> None:
        found = RangeTest({"all": falling(1e-3)}, "lr")
        data = json.loads(json.dumps(found.to_json()))
        assert data["schema"] == "chainer_ft.lr_find/1"
        assert data["curves"]["all"]["suggestion"] == found.suggestion
        assert len(data["curves"]["all"]["losses"]) == 71

    @pytest.mark.parametrize("losses", [(), (1.0,), (1.0, 1.0, 1.0)])
    def test_a_picture_of_next_to_nothing(self, losses: tuple[float, ...], tmp_path: Path) -> None:
        curve = Curve(RATES[: len(losses)], losses, "")
        RangeTest({"all": curve}, "lr").save_plot(tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")

    def test_a_picture_with_a_name_and_a_rate_for_each_group(self, tmp_path: Path) -> None:
        found = RangeTest({"all": falling(1e-3), "head": falling(1e-2)}, "lr")
        found.save_plot(tmp_path / "a.svg")
        text = (tmp_path / "a.svg").read_text(encoding="utf-8")
        assert "<!-- head: " in text
        assert f"<!-- all: {found.suggestion:.2g} -->" in text
