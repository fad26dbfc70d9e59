"""The walk of Caffe's tutorials, run as a user runs it; and on the real LeNet where it is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.caffe.prototxt import read_net

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "caffe_recipe"
FIXED = [f"/{layer}/{name}" for layer in ("conv1", "conv2", "ip1") for name in "Wb"]

pytestmark = pytest.mark.slow


def walk(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLE / "run.py"), "--out", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def arrays(path: Path) -> dict[str, np.ndarray]:
    with ft.open(path) as source:
        return {entry.path: source.read(entry.path) for entry in source.listing}


def check_walk(folder: Path, said: str, source: Path) -> None:
    """What is claimed of a walk, from its files."""
    assert said.count(": yes") == 2
    assert float(re.search(r"^accuracy = ([\d.]+)$", said, re.M)[1]) > 0.85  # type: ignore[index]
    old, new = arrays(source), arrays(folder / "unbroken_iter_100.caffemodel")
    for path in FIXED:
        np.testing.assert_array_equal(new[path], old[path], err_msg=path)
    assert new["/ip2_digits/W"].shape == (4, 500) and "/ip2/W" not in new
    for name in ("finetune_iter_100", "finetune_2014_iter_100"):
        other = arrays(folder / f"{name}.caffemodel")
        assert list(other) == list(new)
        assert all(other[path].tobytes() == new[path].tobytes() for path in new)
    half = arrays(folder / "finetune_iter_50.caffemodel")
    assert not np.array_equal(half["/ip2_digits/W"], new["/ip2_digits/W"])


def test_the_walk(tmp_path: Path) -> None:
    check_walk(tmp_path, walk(tmp_path), tmp_path / "lenet_iter_100.caffemodel")


def test_the_walk_with_the_lenet_of_mnist(shared: Path, tmp_path: Path) -> None:
    weights = shared / "data" / "caffe" / "lenet_v2_ethereon" / "lenet_iter_10000.caffemodel"
    check_walk(tmp_path, walk(tmp_path, "--weights", str(weights)), weights)


def test_the_old_syntax_is_the_same_net() -> None:
    new, old = (read_net(EXAMPLE / f"finetune_train_val{year}.prototxt") for year in ("", "_2014"))
    assert "layers {" in (EXAMPLE / "finetune_train_val_2014.prototxt").read_text()
    assert old == new


def test_only_the_last_layer_learns() -> None:
    net = read_net(EXAMPLE / "finetune_train_val.prototxt")
    rates = {layer.name: [p.lr_mult for p in layer.param] for layer in net.layer if layer.param}
    assert rates.pop("ip2_digits") == [10, 20]
    assert set(rates) == {"conv1", "conv2", "ip1"} and set(map(tuple, rates.values())) == {(0, 0)}
