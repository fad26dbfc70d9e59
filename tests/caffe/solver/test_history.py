"""What Caffe keeps a history of: shared parameters once, statistics and frozen layers too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import parse_solver
from chainer_ft.caffe.solver import Solver, read_solverstate, write_solverstate
from chainer_ft.caffe.solver.state import SolverState
from chainer_ft.errors import FormatError

DATA = """layer { name: "data" type: "MemoryData" top: "data" top: "label"
    memory_data_param { batch_size: 4 channels: 3 height: 1 width: 1 } }
"""
NORM = (
    DATA
    + """
layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }
layer { name: "still" type: "InnerProduct" bottom: "bn" top: "still" param { lr_mult: 0 }
        inner_product_param { num_output: 2 bias_term: false weight_filler { value: 0.5 } } }
layer { name: "fc" type: "InnerProduct" bottom: "still" top: "fc"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
)
TWINS = (
    DATA
    + """
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "w" }
        inner_product_param { num_output: 2 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "data" top: "b"
        param { name: "w" lr_mult: 3 decay_mult: 0 }
        inner_product_param { num_output: 2 bias_term: false } }
layer { name: "la" type: "SoftmaxWithLoss" bottom: "a" bottom: "label" top: "la" }
layer { name: "lb" type: "SoftmaxWithLoss" bottom: "b" bottom: "label" top: "lb" loss_weight: 0.5 }
"""
)


def feed(layer: Message, phase: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    random = np.random.RandomState(0)
    while True:
        yield random.randn(4, 3, 1, 1).astype("f4"), random.randint(0, 2, 4).astype("f4")


def solver(net: str, extra: str, folder: Path | None = None, **options: Any) -> Solver:
    text = f'net_param {{ {net} }} base_lr: 0.1 lr_policy: "fixed" {extra}'
    if folder is not None:
        text += f' snapshot_prefix: "{folder}/x"'
    return Solver(parse_solver(text, "s"), feed=feed, **options)


def test_adaptive_rules_gather_the_decay_of_what_stands_still() -> None:
    made = solver(NORM, 'type: "AdaGrad" weight_decay: 0.2')
    sums = {name: np.float64(0) for name in ("bn0", "bn1", "bn2", "still0")}
    blobs = {f"{b.layer}{b.index}": b for b in made.net.params_in_order()}
    for _ in range(3):
        made.step(1)  # statistics move in the forward pass, before the update
        for name in sums:
            decay = np.float64(np.float32(0.2)) * blobs[name].read().astype("f8")
            sums[name] = sums[name] + decay**2
    slots = dict(zip(blobs, made.optimizer.slots, strict=True))
    for name, expected in sums.items():
        np.testing.assert_allclose(slots[name].history[0], expected, rtol=1e-5)
    np.testing.assert_array_equal(made.net.still.W.array, 0.5)


def test_momentum_has_zeros_for_what_stands_still(tmp_path: Path) -> None:
    made = solver(NORM, "momentum: 0.9 weight_decay: 0.2", tmp_path)
    made.step(2)
    history = read_solverstate(made.snapshot()).history
    assert [array.shape for array in history] == [(3,), (3,), (1,), (2, 3), (2, 2), (2,)]
    assert not any(array.any() for array in history[:4])
    assert all(array.any() for array in history[4:])


def test_a_shared_parameter_is_updated_once_with_both_gradients(tmp_path: Path) -> None:
    made = solver(TWINS, "momentum: 0.9 weight_decay: 0.5", tmp_path)
    before = made.net.a.W.array.copy()
    made.step(1)
    x, t = next(feed(Message("LayerParameter"), "TRAIN"))
    x, t = x.reshape(4, 3).astype("f8"), t.astype(int)
    scores = x @ before.T
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    gradient = (p - np.eye(2)[t]).T @ x / 4
    np.testing.assert_allclose(
        made.net.a.W.array, before - 0.1 * 3 * (1.5 * gradient), rtol=1e-5, atol=1e-6
    )
    assert len(read_solverstate(made.snapshot()).history) == 1
    again = solver(TWINS, "momentum: 0.9", tmp_path, snapshot=tmp_path / "x_iter_1.solverstate")
    np.testing.assert_array_equal(again.net.b.W.array, made.net.a.W.array)


def test_what_is_frozen_by_hand_stands_still_and_is_not_decayed() -> None:
    made = solver(NORM, "momentum: 0.9 weight_decay: 0.2 clip_gradients: 1")
    made.step(1)
    before = made.net.fc.W.array.copy()
    ft.freeze(made.net, "/fc/W")
    made.step(2)
    np.testing.assert_array_equal(made.net.fc.W.array, before)


def test_a_state_without_weights_brings_none(tmp_path: Path) -> None:
    made = solver(NORM, "momentum: 0.9", tmp_path)
    history = tuple(slot.history[0] for slot in made.optimizer.slots)
    path = tmp_path / "y.solverstate"
    write_solverstate(path, SolverState(7, "", 0, history))
    again = solver(NORM, "momentum: 0.9", tmp_path, snapshot=path)
    assert again.iter == 7


def test_a_name_that_hdf5_cannot_keep_is_told_before_the_first_iteration(tmp_path: Path) -> None:
    net = NORM.replace('"fc"', '"inner/fc"')
    with pytest.raises(FormatError, match="'inner/fc' has a slash"):
        solver(net, "snapshot_format: HDF5", tmp_path)
    solver(net, "snapshot_format: HDF5 snapshot_after_train: false", tmp_path)


def test_a_run_that_diverges_goes_on_and_shows_it() -> None:
    made = solver(NORM, "momentum: 0.9")
    made.net.fc.W.array[...] = np.float32(3e38)
    made.step(3)
    assert not np.isfinite(made.loss) or made.loss > 10
