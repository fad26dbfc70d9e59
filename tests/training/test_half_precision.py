"""Runs in half precision, resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from chainer import training
from chainer.training import extensions
from training_nets import arrays, moved

import chainer_ft as ft
from chainer_ft.training.schedules.best import give_back, kept


def half(dynamic: bool = False) -> Any:
    """An optimizer with a small model in float16 that is trained in single precision."""
    np.random.seed(0)
    with chainer.using_config("dtype", np.float16):
        layers = L.Linear(6, 8), chainer.functions.relu, L.Linear(8, 3)
    optimizer = chainer.optimizers.MomentumSGD(0.05).setup(
        L.Classifier(chainer.Sequential(*layers))
    )
    optimizer.use_fp32_update()
    if dynamic:
        optimizer.loss_scaling(interval=2)
    return optimizer


def batch() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(1)
    return random.randn(16, 6).astype(np.float16), random.randint(0, 3, 16).astype(np.int32)


def run(out: Path, length: int, dynamic: bool) -> training.Trainer:
    optimizer = half(dynamic)
    data = chainer.datasets.TupleDataset(*batch())
    updater = training.StandardUpdater(chainer.iterators.SerialIterator(data, 8), optimizer)
    made = training.Trainer(updater, (length, "iteration"), out=str(out))
    made.extend(ft.extensions.Freeze("/predictor/0/W"))
    made.extend(extensions.snapshot(filename="at_{.updater.iteration}"), trigger=(1, "iteration"))
    return made


@pytest.mark.parametrize("dynamic", [False, True])
def test_a_resumed_run_has_the_copies_in_single_precision(dynamic: bool, tmp_path: Path) -> None:
    whole = run(tmp_path / "a", 10, dynamic)
    whole.run()
    resumed = run(tmp_path / "b", 10, dynamic)
    chainer.serializers.load_npz(tmp_path / "a" / "at_5", resumed)
    resumed.run()
    one, other = (made.updater.get_optimizer("main") for made in (whole, resumed))
    assert moved(arrays(one.target), other.target) == set()
    assert one._loss_scale == other._loss_scale
    assert (one._loss_scale or 2) > 1


def test_a_snapshot_that_is_loaded_into_a_running_optimizer_counts(tmp_path: Path) -> None:
    optimizer = half()
    optimizer.update(optimizer.target, *batch())
    for rule in (param.update_rule for param in optimizer.target.params()):
        rule._fp32_param = None
    chainer.serializers.save_npz(tmp_path / "o.npz", optimizer)
    before = arrays(optimizer.target)
    optimizer.update(optimizer.target, *batch())
    chainer.serializers.load_npz(tmp_path / "o.npz", optimizer)
    assert all(p.update_rule._fp32_param is None for p in optimizer.target.params())
    assert moved(before, optimizer.target)


def test_training_goes_on_from_the_weights_of_the_best_check() -> None:
    optimizer = half()
    model = optimizer.target
    optimizer.update(model, *batch())
    best, before = kept(model), arrays(model)
    for _ in range(20):
        optimizer.update(model, *batch())
    give_back(model, best)
    optimizer.hyperparam.lr = 0.0
    for param in model.params():
        param.update_rule.state["v"][...] = 0
    optimizer.update(model, *batch())
    assert moved(before, model) == set()


def test_decay_of_one_rule_follows_its_multiplier() -> None:
    optimizer = half()
    rates = ft.learning_rates(optimizer.target, decay={"/predictor/0": 0})
    assert rates.decay == {"/predictor/0/W": 0, "/predictor/0/b": 0}
    before = arrays(optimizer.target)
    for param in optimizer.target.params():
        param.update_rule.add_hook(chainer.optimizer_hooks.WeightDecay(0.5))
        param.grad = np.zeros_like(param.array)
    optimizer.update()
    assert moved(before, optimizer.target) == {"/predictor/1/W"}
