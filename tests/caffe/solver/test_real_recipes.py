"""Recipes from public repositories, unmodified, on batches of our own."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.solver import Log, Solver, read_solverstate
from chainer_ft.errors import UsageError

RECIPES = {
    "cifar10_quick_v1_everpeace": (4000, "", "cifar10_quick_solver_lr1.prototxt"),
    "cifar10_h5_bxuan694": (5000, ".h5", "cifar10_quick_solver_lr1.prototxt"),
}


def noise(layer: Message, phase: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of CIFAR's shape."""
    random = np.random.RandomState(phase == "TRAIN")
    while True:
        yield random.randn(4, 3, 32, 32).astype("f4"), random.randint(0, 10, 4).astype("f4")


@pytest.fixture(params=RECIPES)
def recipe(
    request: pytest.FixtureRequest, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str, int]:
    """A folder as the recipe expects it; the solver, its snapshot and that one's iteration."""
    iteration, suffix, solver = RECIPES[request.param]
    here = tmp_path / "examples" / "cifar10"
    here.mkdir(parents=True)
    for path in (shared / "data" / "caffe" / request.param).iterdir():
        shutil.copyfile(path, here / path.name)
    monkeypatch.chdir(tmp_path)
    state = f"examples/cifar10/cifar10_quick_iter_{iteration}.solverstate{suffix}"
    return f"examples/cifar10/{solver}", state, iteration


def test_a_published_snapshot_goes_on(recipe: tuple[str, str, int]) -> None:
    solver_path, state, iteration = recipe
    out = io.StringIO()
    solver = Solver(solver_path, snapshot=state, device="@numpy", feed=noise, log=Log(out))
    assert solver.iter == iteration
    known = read_solverstate(state)
    for slot, array in zip(solver.optimizer.slots, known.history, strict=True):
        np.testing.assert_array_equal(slot.history[0].ravel(), array.ravel())
    before = solver.net.conv1.W.array.copy()
    solver.step(2)
    assert solver.iter == iteration + 2 and np.isfinite(solver.loss)
    assert not np.array_equal(solver.net.conv1.W.array, before)
    written = read_solverstate(solver.snapshot())
    assert written.iter == iteration + 2 and len(written.history) == len(known.history)
    solver.parts.tests[0].test_iter = 2
    scores = solver.test_all()[0]
    assert [output.name for output in scores] == ["accuracy", "loss"]


def test_a_gpu_that_is_not_there_is_said_with_the_place(recipe: tuple[str, str, int]) -> None:
    from chainer.backends import cuda

    if cuda.available:
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match=r"lr1.prototxt:\d+:1: solver_mode: GPU"):
        Solver(recipe[0], feed=noise)
