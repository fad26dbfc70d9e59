"""The learning rate that an extension has reached, through a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import chainer
import pytest
from chainer import training
from chainer.training import extensions as E  # noqa: N812
from training_runs import assert_equal, result, trainer

import chainer_ft as ft

SHIFTS: dict[str, Callable[[], Any]] = {
    "ExponentialShift": lambda: E.ExponentialShift("lr", 0.7),
    "InverseShift": lambda: E.InverseShift("lr", 0.1, 0.5),
    "LinearShift": lambda: E.LinearShift("lr", (0.1, 0.01), (1, 9)),
    "MultistepShift": lambda: E.MultistepShift("lr", 0.5, [2, 4, 6], 0.1),
    "PolynomialShift": lambda: E.PolynomialShift("lr", 0.5, 12),
    "StepShift": lambda: E.StepShift("lr", 0.5, 2),
    "WarmupShift": lambda: E.WarmupShift("lr", 0.01, 6, 0.1),
}


def made(
    out: Path, shifts: list[tuple[Any, int]], autoload: bool = False, lr: float = 0.1
) -> training.Trainer:
    """Eight iterations, in which the learning rate is logged."""

    def extend(new: training.Trainer) -> None:
        for i, (shift, every) in enumerate(shifts):
            new.extend(shift, trigger=(every, "iteration"), name=f"shift{i}")
        new.extend(E.observe_lr(), trigger=(1, "iteration"))
        new.extend(ft.extensions.Freeze())
        if autoload:
            new.extend(E.snapshot(filename="at_{.updater.iteration}", autoload=True), name="auto")

    optimizer = lambda: chainer.optimizers.MomentumSGD(lr)  # noqa: E731
    return trainer(out, 8, extend, optimizer=optimizer)


def resumed(out: Path, at: int, shifts: list[tuple[Any, int]], autoload: bool) -> Any:
    for later in range(at + 1, 9):
        (out / f"at_{later}").unlink(missing_ok=True)
    again = made(out, shifts, autoload)
    if not autoload:
        chainer.serializers.load_npz(str(out / f"at_{at}"), again)
    return result(again)


@pytest.mark.parametrize("autoload", [False, True])
@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("name", SHIFTS)
def test_a_resumed_run_has_the_rate_of_the_unbroken_one(
    name: str, every: int, autoload: bool, tmp_path: Path
) -> None:
    unbroken = result(made(tmp_path, [(SHIFTS[name](), every)], autoload))
    assert len({entry["lr"] for entry in unbroken[1]}) > 1
    for at in (7, 4):
        assert_equal(resumed(tmp_path, at, [(SHIFTS[name](), every)], autoload), unbroken)


def test_the_last_of_two_that_spoke_counts(tmp_path: Path) -> None:
    def both() -> list[tuple[Any, int]]:
        return [(SHIFTS["MultistepShift"](), 3), (SHIFTS["WarmupShift"](), 1)]

    unbroken = result(made(tmp_path, both()))
    for at in (7, 5, 3):
        assert_equal(resumed(tmp_path, at, both(), False), unbroken)


def test_what_no_extension_shifts_is_the_scripts(tmp_path: Path) -> None:
    made(tmp_path, []).run()
    again = made(tmp_path, [], lr=0.5)
    chainer.serializers.load_npz(str(tmp_path / "at_4"), again)
    again.run()
    assert again.updater.get_optimizer("main").lr == 0.5
