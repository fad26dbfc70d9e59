"""Spoilt files: an error of ours or the right numbers, soon, and in little memory.

The inputs are made from numbers, so a failure can be had again: the message names the case for
``fuzz_worker.py FORMAT CASE 1 FOLDER``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("fuzz_worker.py")
ROOT = WORKER.parents[2]
COUNT = 20_000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory through /proc")
@pytest.mark.parametrize("form", ["npz", "npz-compressed", "snapshot", "hdf5"])
def test_spoilt_files_cost_nothing_but_themselves(form: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(WORKER), form, "0", str(COUNT), str(tmp_path)],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    case = (tmp_path / "case").read_text()
    assert done.returncode == 0, f"{form}: ended by signal at case {case}\n{done.stderr[-2000:]}"
    result = json.loads(done.stdout)
    assert not result["wrong"], "\n".join(result["wrong"])
    assert sum(n for kind, n in result["seen"].items() if kind != "not detected") == COUNT
    assert result["seen"]["opened"] > COUNT / 20  # or else nothing was tested
    assert result["slowest"] < 2
    assert result["grown_mb"] < 64
