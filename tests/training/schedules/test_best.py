"""The weights of the best check."""

from __future__ import annotations

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from training_nets import OPTIMIZERS, arrays, moved, net, train

import chainer_ft as ft
from chainer_ft.training.schedules.best import give_back, kept


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_comes_back_is_what_was_kept_and_optimizer_state_is_left_alone(name: str) -> None:
    model = net()
    optimizer = OPTIMIZERS[name]().setup(model)
    train(model, optimizer)
    before, best = arrays(model), kept(model)
    train(model, optimizer)
    assert moved(before, model)
    steps = {path: param.update_rule.t for path, param in model.namedparams()}
    memory = {path: param.array for path, param in model.namedparams()}
    give_back(model, best)
    assert moved(before, model) == set()
    assert steps == {path: param.update_rule.t for path, param in model.namedparams()}
    assert all(param.array is memory[path] for path, param in model.namedparams())


def test_they_are_copies_and_can_be_given_back_twice() -> None:
    model = L.Linear(2, 2)
    best = kept(model)
    before = arrays(model)
    for _ in range(2):
        model.W.array[...] += 1
        give_back(model, best)
        assert moved(before, model) == set()


def test_what_is_frozen_is_not_kept_and_what_is_shared_is_kept_once() -> None:
    model = net()
    train(model, chainer.optimizers.SGD().setup(model))
    ft.freeze(model, "/conv1", "/bn1")
    paths = set(kept(model))
    assert not any(path.startswith(("/conv1", "/bn1")) for path in paths)
    assert "/tied/0/W" in paths and "/tied/1/W" not in paths
    assert {"/blocks/0/bn/avg_mean", "/blocks/0/bn/N"} <= paths


def test_numbers_keep_their_type_and_text_is_left_alone() -> None:
    model = L.Linear(2, 2)
    for name, value in (("count", 3), ("rate", np.float64(0.5)), ("label", "a"), ("none", None)):
        model.add_persistent(name, value)
    model.add_persistent("tree", [1, [2, 3]])
    model.add_persistent("table", {"a": 1})
    best = kept(model)
    assert set(best) == {"/W", "/b", "/count", "/rate"}
    model.count, model.label = 7, "b"
    give_back(model, best)
    assert (model.count, type(model.count), model.label) == (3, int, "b")


def test_a_lazy_parameter_without_an_array_is_not_kept() -> None:
    assert set(kept(chainer.Chain(a=L.Linear(None, 2), b=L.Linear(2, 2)))) == {
        "/a/b",
        "/b/W",
        "/b/b",
    }


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    cuda = chainer.backends.cuda
    if not cuda.available:
        pytest.skip("needs a GPU and CuPy")

    model = L.BatchNormalization(3)
    model.to_device("@cupy:0")
    best = kept(model)
    assert all(isinstance(array, np.ndarray) for array in best.values())
    model.gamma.array[...] = 7
    model.avg_mean[...] = 7
    give_back(model, best)
    assert isinstance(model.gamma.array, cuda.ndarray)
    assert (model.gamma.array == 1).all() and (model.avg_mean == 0).all()
