"""Rates along a curve: where it goes, and that a resumed run goes on along it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chainer import serializers
from chainer.training import extensions, make_extension
from hypothesis import given
from hypothesis import strategies as st
from training_runs import assert_equal, result, trainer

import chainer_ft as ft
from chainer_ft.host import Host
from chainer_ft.training.rate_curves import one_cycle
from chainer_ft.types import ExtensionFactory

Cosine, OneCycle = ft.extensions.Cosine, ft.extensions.OneCycle


@given(st.floats(0, 1), st.floats(0, 0.9), st.floats(0, 1), st.floats(0, 1))
def test_the_curve_stays_between_its_ends(at: float, warm: float, start: float, end: float) -> None:
    assert min(start, end) - 1e-12 <= one_cycle(at, warm, start, end) <= 1 + 1e-12
    assert one_cycle(warm, warm, start, end) == 1
    assert one_cycle(1, warm, start, end) == pytest.approx(end, abs=1e-12)
    if warm:
        assert one_cycle(0, warm, start, end) == pytest.approx(start, abs=1e-12)


def seen(made: Any) -> list[float]:
    """The rate of each update of a trainer."""
    rates = []

    @make_extension(trigger=(1, "iteration"), priority=1000)
    def look(trainer: Any) -> None:
        rates.append(trainer.updater.get_optimizer("main").alpha)

    made.extend(look, name="look")
    made.run()
    return rates


def test_each_update_has_the_rate_of_its_place(tmp_path: Path) -> None:
    made = trainer(tmp_path, 6, lambda one: one.extend(Cosine(0.3)))
    curve = Cosine(0.3)
    assert seen(made) == pytest.approx([0.3 * curve.factor(i / 6) for i in range(6)])


def test_the_highest_rate_is_the_optimizers_own(tmp_path: Path) -> None:
    made = trainer(tmp_path, 8, lambda one: one.extend(OneCycle()))
    highest = made.updater.get_optimizer("main").alpha
    rates = seen(made)
    assert rates[0] == pytest.approx(0.04 * highest) and rates[2] == highest
    assert rates[2:] == sorted(rates[2:], reverse=True)


def test_a_resumed_run_is_the_unbroken_one(tmp_path: Path) -> None:
    def extend(one: Any) -> None:
        one.extend(OneCycle(over=(6, "iteration")))

    whole = result(trainer(tmp_path / "a", 6, extend))
    made = trainer(tmp_path / "b", 6, extend)
    serializers.load_npz(tmp_path / "a" / "at_3", made)
    assert_equal(result(made), whole)


def test_so_is_one_that_loads_its_snapshot_when_it_has_begun(tmp_path: Path) -> None:
    def made(out: str, length: int) -> Any:
        def extend(one: Any) -> None:
            one.extend(OneCycle(over=(6, "iteration")))
            own = extensions.snapshot(autoload=True, filename="own_{.updater.iteration}")
            one.extend(own, name="own", trigger=(1, "iteration"))

        return trainer(tmp_path / out, length, extend)

    made("broken", 3).run()
    assert_equal(result(made("broken", 6)), result(made("whole", 6)))


@pytest.mark.parametrize("name", ["one-cycle", "cosine"])
def test_they_come_through_the_hook(name: str) -> None:
    built = Host(installed=False).get(ExtensionFactory, name).item.build(0.1)
    assert built.lr == 0.1
