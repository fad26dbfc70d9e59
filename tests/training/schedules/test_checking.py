"""What is wrong with a schedule, told before the training."""

from __future__ import annotations

from typing import Any

import chainer
import pytest
from chainer import links as L  # noqa: N812

import chainer_ft as ft
from chainer_ft.training.lengths import length
from chainer_ft.training.schedules.checking import problems
from chainer_ft.training.schedules.resolving import least, resolve

BODY = ft.all_but("/fc")


def model() -> chainer.Chain:
    return chainer.Chain(conv=L.Linear(2, 2), mid=L.Linear(2, 2), fc=L.Linear(2, 2))


def found(*phases: ft.Phase, total: str | None = None, size: float | None = None) -> list[Any]:
    given = None if total is None else length(total)
    told = problems(resolve(model(), ft.Schedule(phases)), given, size)
    return [(one.kind, str(one)) for one in told]


def kinds(*phases: ft.Phase, **options: Any) -> list[str]:
    return [kind for kind, _ in found(*phases, **options)]


class TestUnreached:
    def test_by_epochs_and_by_iterations(self) -> None:
        phases = [ft.Phase("2 epochs"), ft.Phase("10 iterations"), ft.Phase("1 epoch")]
        assert kinds(*phases, total="4 epochs", size=5) == ["unreached"]
        assert kinds(*phases, total="4 epochs", size=6) == []
        assert kinds(*phases, total="10 iterations", size=5) == ["unreached", "unreached"]

    def test_the_end_of_the_training_is_too_late_to_begin(self) -> None:
        assert kinds(ft.Phase("2 epochs"), ft.Phase(), total="2 epochs") == ["unreached"]
        assert kinds(ft.Phase("2 epochs"), ft.Phase(), total="3 epochs") == []

    def test_what_cannot_be_known_is_not_told(self) -> None:
        phases = [ft.Phase("200 iterations"), ft.Phase("1 epoch")]
        assert kinds(*phases, total="1 epoch") == kinds(*phases) == []

    def test_a_metric_may_end_a_phase_as_soon_as_its_patience_does(self) -> None:
        waits = ft.Phase("9 epochs", until=ft.EarlyStopping(patience=3))
        assert least(waits) == (3, "epoch")
        assert kinds(waits, ft.Phase(), total="4 epochs") == []
        assert kinds(waits, ft.Phase(), total="3 epochs") == ["unreached"]

    @pytest.mark.parametrize(
        ("phase", "shortest"),
        [
            (ft.Phase(), None),
            (ft.Phase("2 epochs", until=ft.EarlyStopping(patience=3)), (2, "epoch")),
            (ft.Phase(until=ft.EarlyStopping(target=0.1)), (1, "epoch")),
            (
                ft.Phase("1 epoch", until=ft.EarlyStopping(check="10 iterations", patience=2)),
                (20, "iteration"),
            ),
        ],
    )
    def test_the_least_that_a_phase_lasts(self, phase: ft.Phase, shortest: Any) -> None:
        assert least(phase) == shortest


class TestUntrained:
    def test_what_no_phase_trains_is_named(self) -> None:
        told = found(ft.Phase("1 epoch", freeze=BODY), ft.Phase("1 epoch", freeze="/conv"))
        assert told == [("untrained", "never trained in any phase: /conv/W, /conv/b")]

    def test_many_are_counted(self) -> None:
        wide = chainer.ChainList(*(L.Linear(2, 2) for _ in range(9)))
        phases = resolve(wide, ft.Schedule([ft.Phase(freeze="all_but(/8)")]))
        assert str(problems(phases)[0]).endswith("/0/W, /0/b, /1/W, /1/b and 12 more")


class TestJumps:
    def test_a_thaw_at_more_than_ten_times_the_rate(self) -> None:
        slow = ft.Phase("1 epoch", freeze=BODY, lr=0.01)
        assert kinds(slow, ft.Phase(lr=0.1)) == []
        kind, text = found(slow, ft.Phase(lr=0.11))[0]
        assert kind == "jump"
        assert "thaws /conv/W, /conv/b, /mid/W, /mid/b" in text and "rises to 11 times" in text

    def test_what_was_live_counts_by_its_own_rate(self) -> None:
        before = ft.Phase("1 epoch", freeze="/conv", lr={"/mid": 0.01})
        assert kinds(before, ft.Phase(lr={"/conv": 0.1, "/mid": 1})) == ["jump"]
        assert kinds(before, ft.Phase(lr={"/conv": 0.1, "/mid": 0.1})) == []

    def test_without_a_thaw_there_is_none(self) -> None:
        assert kinds(ft.Phase("1 epoch", lr=0.01), ft.Phase()) == []

    def test_downwards_is_no_jump(self) -> None:
        assert kinds(*ft.Schedule.fine_tune().phases) == []
        assert kinds(*ft.Schedule.gradual(model(), decay=0.5).phases) == []
