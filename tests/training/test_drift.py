"""Relative distances from the start, layer by layer."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import RuleError
from chainer_ft.training.drift import arrays_of, checked, drift, place_of


@pytest.fixture
def model() -> chainer.Chain:
    made = chainer.Chain(a=links.Linear(2, 3), b=links.BatchNormalization(3))
    made.add_link("lazy", links.Linear(None, 2))
    return made


def test_is_the_relative_frobenius_norm(model: chainer.Chain) -> None:
    start = arrays_of(model)
    model.a.W.array *= 1.5  # b is zero and stays
    found = drift(model, start)
    assert found["/a"] == pytest.approx(0.5)
    assert found["/b"] == 0.0
    whole = np.concatenate([start["/a/W"].ravel(), start["/b/gamma"]])
    moved = np.linalg.norm(0.5 * start["/a/W"])
    assert found[""] == pytest.approx(moved / np.linalg.norm(whole))


def test_counts_weights_and_biases_together(model: chainer.Chain) -> None:
    start = arrays_of(model)
    model.b.gamma.array += 3.0
    model.b.beta.array += 4.0
    assert drift(model, start)["/b"] == pytest.approx(5.0)


def test_of_zeros_it_is_the_size_itself() -> None:
    model = chainer.Chain(bias=links.Bias(shape=(4,)))
    start = arrays_of(model)
    assert drift(model, start) == {"/bias": 0.0, "": 0.0}
    model.bias.b.array += 0.5
    assert drift(model, start)["/bias"] == 1.0


def test_a_lazy_parameter_begins_when_it_has_an_array(model: chainer.Chain) -> None:
    start = arrays_of(model)
    assert "/lazy/W" not in start
    model.lazy(np.ones((1, 4), np.float32))
    assert drift(model, start)["/lazy"] == 0.0
    model.lazy.W.array *= 2
    assert drift(model, start)["/lazy"] == pytest.approx(1.0)


def test_a_shared_parameter_counts_once() -> None:
    model = chainer.Chain(a=links.Linear(2, 2, nobias=True), b=links.Linear(2, 2, nobias=True))
    model.b.W = model.a.W
    assert list(drift(model, arrays_of(model))) == ["/a", ""]


def test_parameters_of_the_model_itself() -> None:
    model = links.Linear(2, 2)
    start = arrays_of(model)
    model.W.array *= 3
    assert drift(model, start) == {"/": pytest.approx(2.0), "": pytest.approx(2.0)}


def test_half_precision_does_not_overflow() -> None:
    with chainer.using_config("dtype", np.float16):
        model = chainer.Chain(fc=links.Linear(100, 100, nobias=True, initialW=300.0))
    start = arrays_of(model)
    model.fc.W.array *= 2
    assert drift(model, start)["/fc"] == pytest.approx(1.0)


@given(st.floats(0.01, 100), st.integers(0, 9))
def test_scaling_all_weights_scales_every_layer_alike(factor: float, seed: int) -> None:
    random = np.random.RandomState(seed)
    model = chainer.Chain(a=links.Linear(2, 3), b=links.Convolution2D(3, 2, 3))
    for param in model.params():
        param.array[...] = random.randn(*param.shape)
    start = arrays_of(model)
    for param in model.params():
        param.array *= np.float32(factor)
    for value in drift(model, start).values():
        assert value == pytest.approx(abs(np.float32(factor) - 1), rel=1e-3, abs=1e-6)


class TestStart:
    def test_a_part_has_its_place(self, model: chainer.Chain) -> None:
        whole = links.Classifier(model)
        place = place_of(model, whole)
        assert place == "/predictor"
        assert "/predictor/a/W" in checked(arrays_of(model), whole, place)
        assert place_of(whole, whole) == place_of(None, whole) == ""

    def test_a_path_that_is_not_there(self, model: chainer.Chain) -> None:
        with pytest.raises(RuleError, match=r"/a/V: the model has no such parameter.*/a/W"):
            checked({"/a/V": np.zeros(1)}, model)

    def test_another_shape(self, model: chainer.Chain) -> None:
        start: dict[str, Any] = {"/a/W": np.zeros((1, 2))}
        with pytest.raises(RuleError, match="/a/W: 1x2 at the start, 3x2 in the model"):
            checked(start, model)
