"""Caffe's training in a Chainer trainer: what it reports, saves and resumes."""

from __future__ import annotations

from pathlib import Path

import chainer
import numpy as np
import pytest
from chainer import training
from recipes import little_recipe

from chainer_ft import caffe
from chainer_ft.caffe.solver import Solver


def trainer_of(folder: Path, stop: int, type: str = "SGD") -> training.Trainer:
    with caffe.seeded(7):
        net = caffe.Net(little_recipe(folder), phase="TRAIN")
        test = caffe.Net(little_recipe(folder), phase="TEST")
    policy = caffe.Policy("multistep", base_lr=0.1, gamma=0.5, stepvalue=(2, 2, 4))
    optimizer = caffe.Optimizer(type, policy, momentum=0.9, weight_decay=0.01, iter_size=2)
    updater = caffe.Updater(net, optimizer, seed=7)
    trainer = training.Trainer(updater, (stop, "iteration"), out=str(folder))
    tester = caffe.Tester(test, updater, 3)
    trainer.extend(tester, trigger=(2, "iteration"), call_before_training=True)
    trainer.extend(training.extensions.LogReport(trigger=(1, "iteration"), filename=None))
    snapshot = caffe.Snapshot(str(folder / "x"), testers=[tester])
    trainer.extend(snapshot, trigger=(3, "iteration"))
    return trainer


def blobs(trainer: training.Trainer) -> dict[tuple[str, int], np.ndarray]:
    return {(b.layer, b.index): b.read() for b in trainer.updater.net.params_in_order()}


@pytest.mark.parametrize("type", ["SGD", "Adam"])
def test_a_trainers_snapshot_goes_on_bit_for_bit(type: str, tmp_path: Path) -> None:
    whole = trainer_of(tmp_path, 6, type)
    whole.run()
    first = trainer_of(tmp_path, 3, type)
    first.run()
    chainer.serializers.save_npz(tmp_path / "t.npz", first)
    second = trainer_of(tmp_path, 6, type)
    chainer.serializers.load_npz(tmp_path / "t.npz", second)
    second.run()
    for key, array in blobs(second).items():
        np.testing.assert_array_equal(array, blobs(whole)[key])
    logs = [t.get_extension("LogReport").log for t in (whole, second)]
    for one, other in zip(*logs, strict=True):
        assert {k: v for k, v in one.items() if k != "elapsed_time"} == {
            k: v for k, v in other.items() if k != "elapsed_time"
        }


def test_reports_have_the_names_of_the_outputs(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, 2)
    trainer.run()
    last = trainer.get_extension("LogReport").log[-1]
    assert {"main/loss", "main/lr", "test/accuracy", "test/loss", "test/loss_total"} <= set(last)
    assert last["main/lr"] == float(np.float32(0.1))
    assert trainer.get_extension("test").entries == ["test/accuracy", "test/loss"]


def test_a_solver_goes_on_from_a_trainers_snapshot(tmp_path: Path) -> None:
    from chainer_ft.caffe.prototxt import parse_solver

    trainer = trainer_of(tmp_path, 6)
    trainer.run()
    text = (
        f'net: "{little_recipe(tmp_path)}" base_lr: 0.1 lr_policy: "multistep" gamma: 0.5 '
        "stepvalue: 2 stepvalue: 2 stepvalue: 4 momentum: 0.9 weight_decay: 0.01 iter_size: 2 "
        f'max_iter: 6 test_iter: 3 test_interval: 2 snapshot_prefix: "{tmp_path}/y"'
    )
    solver = Solver(parse_solver(text, "s"), snapshot=tmp_path / "x_iter_3.solverstate")
    solver.solve()
    for blob in solver.net.params_in_order():
        np.testing.assert_array_equal(blob.read(), blobs(trainer)[blob.layer, blob.index])
