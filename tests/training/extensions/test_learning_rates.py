"""The extension LearningRates, in a trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chainer import serializers
from training_runs import assert_equal, model_of, result, trainer

import chainer_ft as ft
from chainer_ft.host import Host
from chainer_ft.training.parameters import tuning_of
from chainer_ft.training.resume import ResumeError
from chainer_ft.types import ExtensionFactory

LearningRates = ft.extensions.LearningRates


def with_rates(factor: float) -> Any:
    def extend(made: Any) -> None:
        made.extend(LearningRates({"/predictor/fc": factor}, decay={"/**/b": 0}))

    return extend


def test_it_holds_through_a_second_setup(tmp_path: Path) -> None:
    made = trainer(tmp_path, 2, with_rates(10))
    made.run()
    optimizer = made.updater.get_optimizer("main")
    optimizer.setup(model_of(made))
    assert model_of(made).predictor.fc.W.update_rule.hyperparam.eta == 10
    assert tuning_of(model_of(made).predictor.conv1.b).decay_mult == 0


def test_a_resumed_run_is_the_unbroken_one(tmp_path: Path) -> None:
    whole = result(trainer(tmp_path / "a", 6, with_rates(10)))
    made = trainer(tmp_path / "b", 6, with_rates(10))
    serializers.load_npz(tmp_path / "a" / "at_3", made)
    assert_equal(result(made), whole)


def test_other_rates_than_the_snapshots(tmp_path: Path) -> None:
    trainer(tmp_path / "a", 3, with_rates(10)).run()
    with pytest.raises(ResumeError, match=r"taken with LearningRates\(\{'/predictor/fc': 10\}"):
        serializers.load_npz(tmp_path / "a" / "at_3", trainer(tmp_path / "b", 6, with_rates(5)))


def test_rates_that_the_snapshot_knows_nothing_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer(tmp_path / "a", 2, lambda made: None).run()
    serializers.load_npz(tmp_path / "a" / "at_2", trainer(tmp_path / "b", 4, with_rates(0.5)))
    assert "the snapshot knows no LearningRates" in caplog.text
    assert "counts from iteration 2" in caplog.text


def test_it_comes_through_the_hook() -> None:
    built = Host(installed=False).get(ExtensionFactory, "learning-rates").item.build({"/a": 2})
    assert repr(built) == "LearningRates({'/a': 2})"
