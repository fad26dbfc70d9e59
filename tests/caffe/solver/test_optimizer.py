"""The six rules, decay, multipliers, accumulation and clipping against what real Caffe did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import numpy as np
import pytest

from chainer_ft.caffe.prototxt import parse_solver
from chainer_ft.caffe.solver.optimizer import Optimizer
from chainer_ft.caffe.solver.rates import Policy
from chainer_ft.errors import UsageError

CASES = [
    "sgd_step",
    "sgd_fixed_L1",
    "sgd_exp",
    "sgd_inv",
    "sgd_poly",
    "sgd_sigmoid2",
    "sgd_multistep",
    "sgd_iter2_clip",
    "nesterov",
    "adagrad",
    "rmsprop",
    "adadelta",
    "adam",
]
BATCH = 8


def linear(golden: Any) -> chainer.links.Linear:
    return chainer.links.Linear(6, 3, initialW=golden["W0"], initial_bias=golden["B0"])


@pytest.mark.parametrize("case", CASES)
def test_ten_steps_are_those_of_caffe(case: str, shared: Path) -> None:
    folder = shared / "caffe" / "golden"
    golden = np.load(folder / "solver.npz")
    solver = parse_solver(json.loads((folder / "solver.json").read_text())[case], case)
    model = linear(golden)
    optimizer = Optimizer.from_solver(solver).setup(model)
    model.b.update_rule.hyperparam.lr_mult = 2
    model.b.update_rule.hyperparam.decay_mult = 0
    at = 0
    for step in range(10):
        model.cleargrads()
        for _ in range(solver.iter_size):
            rows = [i % len(golden["X"]) for i in range(at, at + BATCH)]
            at += BATCH
            loss = F.softmax_cross_entropy(model(golden["X"][rows]), golden["Y"][rows].astype("i"))
            loss.backward()
        optimizer.update()
        np.testing.assert_allclose(
            float(loss.array), golden[f"{case}|loss_last_microbatch"][step], rtol=1e-5
        )
        np.testing.assert_allclose(model.W.array, golden[f"{case}|W"][step], rtol=0, atol=3e-6)
        np.testing.assert_allclose(model.b.array, golden[f"{case}|b"][step], rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"type": "Adamm"}, "Adam"),
        ({"type": "AdaGrad", "momentum": 0.9}, "momentum"),
        ({"type": "RMSProp", "rms_decay": 1.0}, "rms_decay"),
        ({"iter_size": 0}, "iter_size"),
    ],
)
def test_what_caffe_refuses_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Optimizer(**options)


def test_an_unknown_regularization_is_refused_only_where_there_is_decay() -> None:
    for decay, fails in ((0.0, False), (0.1, True)):
        model = chainer.links.Linear(2, 2)
        optimizer = Optimizer(weight_decay=decay, regularization_type="L3").setup(model)
        model.W.grad = np.ones((2, 2), np.float32)
        if fails:
            with pytest.raises(UsageError, match="L3"):
                optimizer.update()
        else:
            optimizer.update()


def test_a_parameter_without_gradient_still_decays() -> None:
    model = chainer.links.Linear(2, 2, initial_bias=1)
    Optimizer("SGD", 0.1, weight_decay=0.1).setup(model).update(lambda: F.sum(model.W))
    np.testing.assert_allclose(model.b.array, 0.99)


def test_clipping_to_zero_stops_everything() -> None:
    model = chainer.links.Linear(2, 2)
    before = model.W.array.copy()
    optimizer = Optimizer("SGD", 0.1, clip_gradients=0).setup(model)
    optimizer.update(lambda: F.sum(model.W * model.W))
    np.testing.assert_array_equal(model.W.array, before)
    assert optimizer.clipped is not None and optimizer.clipped.factor == 0


@pytest.mark.parametrize("type", ["SGD", "Adam", "AdaDelta"])
def test_a_saved_optimizer_goes_on_bit_for_bit(type: str, tmp_path: Path) -> None:
    policy = Policy("multistep", 0.1, gamma=0.5, stepvalue=(1, 1, 4))

    def run(model: Any, optimizer: Any, count: int) -> None:
        for _ in range(count):
            optimizer.update(lambda: F.sum(model.W * model.W))

    def made() -> tuple[Any, Any]:
        model = chainer.links.Linear(2, 2, initialW=np.float32([[1, 2], [3, 4]]))
        return model, Optimizer(type, policy, momentum=0.9).setup(model)

    whole, optimizer = made()
    run(whole, optimizer, 6)
    first, optimizer = made()
    run(first, optimizer, 3)
    chainer.serializers.save_npz(tmp_path / "o.npz", optimizer)
    second, optimizer = made()
    second.copyparams(first)
    chainer.serializers.load_npz(tmp_path / "o.npz", optimizer)
    run(second, optimizer, 3)
    np.testing.assert_array_equal(second.W.array, whole.W.array)


def test_two_parameters_with_one_gradient_are_updated_once_each() -> None:
    first, second = chainer.links.Linear(2, 2, nobias=True), chainer.links.Linear(2, 2, nobias=True)
    both = chainer.ChainList(first, second)
    before = second.W.array.copy()
    optimizer = Optimizer("SGD", 0.5, clip_gradients=1).setup(both)
    first.W.grad = second.W.grad = np.full((2, 2), 2, np.float32)
    optimizer.update()
    factor = 1 / np.sqrt(8 * 4)
    np.testing.assert_allclose(second.W.array, before - 0.5 * 2 * factor, rtol=1e-6)


@pytest.mark.gpu
def test_the_rules_on_a_gpu() -> None:
    cupy = pytest.importorskip("cupy")
    for type in ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"):
        results = []
        for device in ("@numpy", "@cupy:0"):
            model = chainer.links.Linear(2, 2, initialW=np.float32([[1, 2], [3, 4]]))
            model.to_device(device)
            optimizer = Optimizer(type, 0.1, weight_decay=0.1, clip_gradients=1).setup(model)
            for _ in range(3):
                optimizer.update(lambda: F.sum(model.W * model.W))  # noqa: B023
            results.append(cupy.asnumpy(model.W.array))
        np.testing.assert_allclose(results[0], results[1], rtol=1e-5)
