"""A run that ends by Chainer's own early stopping, resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import pytest
from chainer import training
from training_runs import assert_equal, result, trainer

import chainer_ft as ft
import chainer_ft.training


def with_trigger(made: training.Trainer) -> None:
    made.stop_trigger = training.triggers.EarlyStoppingTrigger(
        monitor="main/loss",
        check_trigger=(2, "iteration"),
        patients=2,
        max_trigger=(30, "iteration"),
    )


def with_schedule(made: training.Trainer) -> None:
    with_trigger(made)
    phases = [ft.Phase("2 iterations", freeze="/predictor/conv1"), ft.Phase()]
    made.extend(ft.extensions.Schedule(ft.Schedule(phases)))


def steep() -> Any:
    return chainer.optimizers.SGD(3.0)


@pytest.mark.parametrize("extend", [with_trigger, with_schedule])
@pytest.mark.parametrize("back", [1, 2, 3])
def test_a_resumed_run_ends_where_the_unbroken_one_does(
    extend: Any, back: int, tmp_path: Path
) -> None:
    expected = result(trainer(tmp_path / "a", 30, extend, optimizer=steep))
    length = len(expected[1])
    assert 4 <= length < 30
    resumed = trainer(tmp_path / "b", 30, extend, optimizer=steep)
    chainer.serializers.load_npz(tmp_path / "a" / f"at_{length - back}", resumed)
    assert_equal(result(resumed), expected)


def test_a_snapshot_without_it_is_read(tmp_path: Path) -> None:
    trainer(tmp_path / "a", 2, lambda made: None).run()
    resumed = trainer(tmp_path / "b", 30, with_trigger)
    chainer.serializers.load_npz(tmp_path / "a" / "at_2", resumed)
    assert resumed.stop_trigger.count == 0 and resumed.updater.iteration == 2
