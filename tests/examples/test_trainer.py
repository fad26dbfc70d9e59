"""The research script: two lines added, killed and resumed with the same end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "trainer" / "train.py"
LAST = "snapshot_iter_80"


def start(out: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Three epochs of 28 iterations, in a process of their own."""
    command = [sys.executable, str(SCRIPT), "--out", str(out), "--epochs", "3", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)


def end(out: Path) -> dict[str, Any]:
    """What the last snapshot holds, without what depends on the clock."""
    with np.load(out / LAST) as npz:
        held = {name: npz[name] for name in npz.files if "elapsed" not in name}
    for name in [name for name in held if name.endswith("/_log")]:
        log = json.loads(str(held.pop(name)))
        held["log"] = np.array(
            [repr({k: v for k, v in sorted(e.items()) if k != "elapsed_time"}) for e in log]
        )
    state = json.loads(held.pop("chainer_ft/state").tobytes())
    del state["random"]["python"]  # the script does not seed it, and does not draw from it
    held["state"] = np.array(json.dumps(state))
    return held


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_run_ends_as_the_unbroken_one(tmp_path: Path) -> None:
    whole = start(tmp_path / "whole")
    broken = start(tmp_path / "broken")
    wait_for(tmp_path / "broken" / "snapshot_iter_40", broken)
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    assert whole.wait() == 0
    resumed = start(tmp_path / "broken", "--resume", str(tmp_path / "broken/snapshot_iter_40"))
    assert resumed.wait() == 0
    one, other = end(tmp_path / "whole"), end(tmp_path / "broken")
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.tobytes() == other[name].tobytes(), name


def test_only_two_statements_are_new() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    assert text.count("ft.") == 1 and text.count("chainer_ft") == 1 and text.count("new: ") == 2
