"""Fine-tuning on a machine with a GPU: the same as on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
import training_runs as runs
from chainer import links
from training_nets import OPTIMIZERS, net

import chainer_ft as ft
from chainer_ft.training.digest import digest
from chainer_ft.training.drift import arrays_of, drift

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda", "same_bits")]

BODY = ("/predictor/conv1", "/predictor/bn1", "/predictor/blocks/0")
GPU = "@cupy:0"


@pytest.fixture
def same_bits() -> Any:
    """Kernels that give the same bits each time, where there is a choice."""
    with chainer.using_config("cudnn_deterministic", True):
        yield


def bits(model: chainer.Link) -> dict[str, str]:
    return {path: digest(param.array) for path, param in model.namedparams(include_uninit=False)}


@pytest.mark.parametrize("when", ["before the move", "after it"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_frozen_stands_still_and_all_else_moves(name: str, when: str) -> None:
    model = links.Classifier(net())
    if when == "before the move":
        ft.freeze(model, *BODY)
    updater = runs.updater(OPTIMIZERS[name](), model=model, device=GPU)
    still = ft.frozen(model) if when == "before the move" else ft.freeze(model, *BODY)
    before = bits(model)
    for _ in range(3):
        updater.update()
    still.check()
    now = bits(model)
    assert {p for p in before if now[p] != before[p]} == before.keys() - set(still.params)
    frozen = [param for path, param in model.namedparams() if path in still.params]
    assert all(param._grad is None and not param.update_rule.state for param in frozen)


def test_a_model_that_moves_back_and_forth_is_frozen_still() -> None:
    model = links.Classifier(net())
    still = ft.freeze(model, *BODY)
    for device in (GPU, "@numpy", GPU):
        model.to_device(device)
        still.check()
        assert ft.frozen(model).params == still.params


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_multipliers_are_those_of_the_cpu(name: str) -> None:
    def step(device: str) -> dict[str, np.ndarray]:
        model = links.Classifier(links.Linear(3, 2, initialW=0.5))
        ft.learning_rates(model, {"/predictor/W": 0.1}, {"/predictor/b": 0})
        model.to_device(device)
        optimizer = OPTIMIZERS[name]().setup(model)
        optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(0.1))
        x = model.xp.asarray([[1, 2, 3], [3, 1, 1]], np.float32)
        for _ in range(2):
            optimizer.update(model, x, model.xp.asarray([0, 1], np.int32))
        return {path: chainer.backends.cuda.to_cpu(p.array) for path, p in model.namedparams()}

    on_cpu = step("@numpy")
    for path, array in step(GPU).items():
        np.testing.assert_allclose(array, on_cpu[path], rtol=1e-4, atol=1e-6, err_msg=path)


@pytest.mark.parametrize("name", ["SGD", "MomentumSGD", "Adam"])
def test_a_learning_rate_test_leaves_no_trace(name: str, cuda: Any, tmp_path: Path) -> None:
    def run(look: bool) -> Any:
        cuda.cupy.random.seed(3)  # dropout draws from it
        made = runs.watched(runs.updater(OPTIMIZERS[name](), device=GPU), tmp_path, 8)
        if look:
            options = {"steps": 10, "filename": None, "groups": {"head": "/predictor/fc"}}
            made.extend(ft.extensions.LRFind(**options))
            made.extend(ft.extensions.LRFind(trigger=(3, "iteration"), **options))
        made.run()
        return runs.fingerprint(made.updater), runs.log(made), cuda.cupy.random.rand(4).tolist()

    assert run(look=True) == run(look=False)


def test_drift_is_that_of_the_cpu() -> None:
    model = links.Classifier(net())
    start = arrays_of(model)
    for param in model.params(include_uninit=False):
        param.array *= np.float32(1.25)
    expected = drift(model, dict(start))
    model.to_device(GPU)
    found = drift(model, start)  # the start is still on the CPU
    assert found == pytest.approx(expected)


def test_a_snapshot_keeps_freeze_drift_and_summary(tmp_path: Path) -> None:
    def made(length: int) -> chainer.training.Trainer:
        run = runs.watched(runs.updater(device=GPU), tmp_path, length)
        run.extend(ft.extensions.Freeze(*BODY, until=(6, "iteration")))
        run.extend(ft.extensions.WeightDrift(trigger=(2, "iteration"), filename=None))
        return run

    first = made(4)
    first.run()
    chainer.serializers.save_npz(tmp_path / "snapshot.npz", first)
    second = made(8)
    chainer.serializers.load_npz(tmp_path / "snapshot.npz", second)
    model = second.updater.get_optimizer("main").target
    assert ft.frozen(model).params
    second.run()
    assert not ft.frozen(model)
    assert len(second.get_extension("WeightDrift").history) == 4
    assert ft.summary(model).trainable == ft.summary(model).total
