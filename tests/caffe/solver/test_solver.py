"""Solver files, run: every configuration, and 200 iterations, against real Caffe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipes import golden_net, write_hdf5, write_weights_of
from test_optimizer import CASES

from chainer_ft.caffe.prototxt import parse_solver
from chainer_ft.caffe.solver import Solver


@pytest.mark.parametrize("case", CASES)
def test_every_configuration_is_that_of_caffe(case: str, shared: Path, tmp_path: Path) -> None:
    golden = np.load(shared / "caffe" / "golden" / "solver.npz")
    said = json.loads((shared / "caffe" / "golden" / "solver.json").read_text())[case]
    data = write_hdf5(tmp_path, "s", {"data": golden["X"], "label": golden["Y"]})
    net = golden_net(shared, tmp_path, "s_net.prototxt", "/ref/s.txt", data)
    start = {("fc", 0): golden["W0"], ("fc", 1): golden["B0"]}
    weights = write_weights_of(tmp_path / "start.caffemodel.h5", start)
    solver = Solver(parse_solver(f'net: "{net}" {said}', case), weights=[weights])
    for step in range(10):
        solver.step(1)
        (loss,) = solver.updater.outputs
        np.testing.assert_allclose(
            loss.values[0], golden[f"{case}|loss_last_microbatch"][step], rtol=1e-5
        )
        for name, array in (("W", solver.net.fc.W.array), ("b", solver.net.fc.b.array)):
            np.testing.assert_allclose(array, golden[f"{case}|{name}"][step], rtol=0, atol=3e-6)


Golden = tuple[Any, str, str]


@pytest.fixture
def e2e(shared: Path, tmp_path: Path) -> Golden:
    """The golden arrays, a solver for them, and the weights that they begin with."""
    golden = np.load(shared / "caffe" / "golden" / "e2e.npz")
    data = write_hdf5(tmp_path, "e", {"data": golden["x"], "label": golden["y"]})
    net = golden_net(shared, tmp_path, "e_net.prototxt", "/ref/e.txt", data)
    text = (shared / "caffe" / "golden" / "files" / "e_solver.prototxt").read_text()
    names = [key.split("|") for key in golden.files if key.startswith("P0|")]
    start = {(layer, int(index)): golden[f"P0|{layer}|{index}"] for _, layer, index in names}
    weights = write_weights_of(tmp_path / "start.caffemodel.h5", start)
    text = text.replace("/ref/e_net.prototxt", net).replace("/ref/e", str(tmp_path / "e"))
    return golden, text, weights


def test_two_hundred_iterations_are_those_of_caffe(e2e: Golden) -> None:
    golden, text, weights = e2e
    solver = Solver(parse_solver(text, "e_solver.prototxt"), weights=[weights])
    losses: list[float] = []
    solver.on_iteration = lambda solver: losses.append(float(solver.loss))
    solver.step(200)
    np.testing.assert_allclose(losses, golden["loss"], rtol=0, atol=1e-5)
    for blob in solver.net.params_in_order():
        expected = golden[f"P1|{blob.layer}|{blob.index}"]
        np.testing.assert_allclose(blob.read(), expected, rtol=1e-5, atol=1e-5)
    scores = [solver.parts.tests[0].forward()[1] for _ in range(10)]
    tested = [[float(output.values[0]) for output in reversed(batch)] for batch in scores]
    np.testing.assert_allclose(tested, golden["test"], rtol=0, atol=2e-6)
