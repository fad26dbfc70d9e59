"""``caffe convert``: the script is readable, and does what the solver does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipes import TYPES, little_recipe, recipe, weights, write_weights_of

from chainer_ft.caffe.prototxt import parse_solver, read_solver
from chainer_ft.caffe.solver import Solver, to_script
from chainer_ft.errors import UsageError

PUBLIC = {"chainer_ft", "chainer", "chainer.training"}


def run(script: str, folder: Path) -> None:
    (folder / "train.py").write_text(script)
    command = [sys.executable, "-W", "error", "train.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("type", TYPES)
def test_the_scripts_run_is_the_solvers(type: str, tmp_path: Path) -> None:
    start = {("fc", 0): np.full((5, 3), 0.3, "f4"), ("fc", 1): np.ones(3, "f4")}
    files = write_weights_of(tmp_path / "start.caffemodel.h5", start)
    text = recipe(tmp_path, snapshot=4, random_seed=5, weights=f'"{files}"', **TYPES[type])
    message = parse_solver(text, "s.prototxt")
    Solver(message).solve()
    names = ["x_iter_4.caffemodel", "x_iter_9.caffemodel", "x_iter_9.solverstate"]
    expected = {name: (tmp_path / name).read_bytes() for name in names}
    for name in names:
        (tmp_path / name).unlink()
    run(to_script(message, "s.prototxt"), tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in names} == expected


def test_a_script_uses_public_names_only(tmp_path: Path) -> None:
    script = to_script(parse_solver(recipe(tmp_path), "s.prototxt"), "s.prototxt")
    imports = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.ImportFrom)]
    assert {node.module for node in imports} <= PUBLIC
    assert all(len(line) <= 100 for line in script.splitlines() if str(tmp_path) not in line)
    assert "._" not in script


def test_what_the_solver_says_stands_in_the_script(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path(little_recipe(tmp_path)).rename("net.prototxt")
    Path("s.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.01 lr_policy: "poly" power: 0.5 max_iter: 40 '
        'type: "Adam" momentum: 0.9 momentum2: 0.99 iter_size: 2 clip_gradients: 1 '
        'train_state { stage: "a" level: 3 } test_iter: 2 test_iter: 3 test_interval: 7 '
        "test_initialization: false solver_mode: GPU device_id: 2 snapshot_format: HDF5"
    )
    script = to_script(read_solver("s.prototxt"), "s.prototxt")
    for part in (
        'DEVICE = "@cupy:2"',
        "SEED = 0  # s.prototxt has none",
        """caffe.Net("net.prototxt", phase="TRAIN", stages=['a'], level=3)""",
        'caffe.Policy("poly", base_lr=0.01, power=0.5, max_iter=40)',
        "    momentum=0.9,\n    momentum2=0.99,\n",
        "    clip_gradients=1.0,\n    iter_size=2,\n",
        'tester1 = caffe.Tester(test_net1, updater, 3, name="test1")',
        'trainer.extend(tester, trigger=(7, "iteration"))',
        'snapshot = caffe.Snapshot("s", "HDF5", testers=[tester, tester1])',
    ):
        assert part in script


def test_a_net_inside_of_the_solver_comes_along(tmp_path: Path) -> None:
    net = Path(little_recipe(tmp_path)).read_text()
    text = recipe(tmp_path, max_iter=2, test_iter=1).replace(
        f'net: "{tmp_path}/little.prototxt"', f"net_param {{ {net} }}"
    )
    message = parse_solver(text, "s.prototxt")
    message.set("random_seed", 1)
    Solver(message).solve()
    expected = weights(tmp_path / "x_iter_2.caffemodel")
    (tmp_path / "x_iter_2.caffemodel").unlink()
    run(to_script(message, "s.prototxt"), tmp_path)
    for key, array in weights(tmp_path / "x_iter_2.caffemodel").items():
        np.testing.assert_array_equal(array, expected[key])


def test_a_wrong_solver_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="s:1:1: lr_policy"):
        to_script(parse_solver('lr_policy: "no"', "s"))
