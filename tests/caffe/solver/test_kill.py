"""A run that is killed at any moment, and resumed from what it left, ends as the unbroken one."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from recipes import recipe, weights

KILLS = 3
END = "x_iter_120.caffemodel"


def train(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "chainer_ft", "caffe", "train", "-solver", "s.prototxt"]
    return subprocess.Popen([*command, *arguments], cwd=folder, stderr=subprocess.DEVNULL)


def newest(folder: Path) -> Path | None:
    found = sorted(
        (int(match[1]), path)
        for path in folder.glob("x_iter_*.solverstate")
        if (match := re.search(r"_(\d+)\.solverstate$", path.name))
    )
    return found[-1][1] if found else None


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_alike(tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        text = recipe(folder, snapshot=3, max_iter=120, random_seed=2, type='"Adam"')
        (folder / "s.prototxt").write_text(text)
    assert train(tmp_path / "whole").wait() == 0
    folder, chance = tmp_path / "killed", random.Random(0)
    for _ in range(KILLS):
        start = newest(folder)
        process = train(folder, *([] if start is None else ["-snapshot", start.name]))
        while newest(folder) == start and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
    start = newest(folder)
    assert start is not None
    assert train(folder, "-snapshot", start.name).wait() == 0
    whole, killed = (weights(tmp_path / name / END) for name in ("whole", "killed"))
    for key, array in whole.items():
        np.testing.assert_array_equal(array, killed[key])
