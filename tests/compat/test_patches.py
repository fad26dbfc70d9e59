"""Every patch: what it cures works with it, and fails when it alone is switched off."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chainer_ft.compat._patches import PATCHES

HERE = Path(__file__).parent
CHECKS = HERE / "checks.py"

#: What the failure without the patch must say.
WITHOUT = {
    "numpy-sctypes": "sctypes",
    "numpy-float": "float",
    "environment-check": "_environment_check.py",
    "testing-helper": "pkg_resources",
    "testing-doctest-helper": "pkg_resources",
    "caffe-pb2": "Descriptors cannot be created directly",
    "categorical-meshgrid": "can only concatenate tuple",
    "pad-sequence-wrap": "out of bounds for uint8",
    "concat-padding": 'convert.py", line 32',
    "variable-device": "AssertionError",
    "unpack-params-copy": "copy=False",
    "fix-trunc": "numpy.fix is deprecated",
    "maxout-shape": "Setting the shape on a NumPy array",
    "micro-average-float": 'micro_average.py", line 84',
    "micro-average-float64": "AssertionError",
    "multi-node-iterator-int": 'multi_node_iterator.py", line 137',
    "summary-float64": "AssertionError",
    "gradient-clipping-float64": "overflow encountered in scalar add",
    "sparse-float16": "float16",
    "hdf5-strings": "AssertionError",
    "multiprocess-iterator-daemon": "setDaemon",
    "spawn-children": "AssertionError: spawn",
    "cupy-cudnn-advice": "cuDNN is not enabled",
    "cupy-float16-elementwise": "AssertionError",
    "cupy-float16-atomic-add": "AssertionError",
    "cupy-fp16-raw": "AssertionError",
    "onnx-mapping": "onnx.mapping",
    "legacy-aliases": "has no attribute",
}


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_check(stand_ins: Path) -> Run:
    """Runs one check in a new process, with options for Python."""

    def run(
        name: str, *options: str, skip: str = "", cupy: str = "14.2.0"
    ) -> subprocess.CompletedProcess[str]:
        library = name.split("-")[0]  # its stand-in, if it has one
        paths = [str(stand_ins / library), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "CHAINER_FT_COMPAT_SKIP": skip,
            "STAND_IN_CUPY": cupy,
        }
        command = [sys.executable, *options, str(CHECKS), name]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture(scope="module")
def needed() -> set[str]:
    """What the installed libraries need, asked in a process where nothing is patched yet."""
    code = "import chainer_ft.compat._patches as p\nfor x in p.PATCHES: print(x.name, x.needed())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    names = {line.split()[0] for line in done.stdout.splitlines() if line.endswith("True")}
    simulated = {"environment-check", "testing-helper", "testing-doctest-helper", "legacy-aliases"}
    return names | simulated | {name for name in WITHOUT if name.startswith("cupy-")}


def test_every_patch_has_a_check() -> None:
    assert {patch.name for patch in PATCHES} == WITHOUT.keys()


@pytest.mark.parametrize("name", WITHOUT)
def test_works_with_the_patch(name: str, run_check: Run) -> None:
    done = run_check(name, "-W", "error")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", WITHOUT)
def test_fails_without_the_patch(name: str, run_check: Run, needed: set[str]) -> None:
    if name not in needed:
        pytest.skip(f"the installed libraries do not need {name}")
    done = run_check(name, "-W", "error", skip=name)
    assert done.returncode != 0, "the patch is not needed for this"
    assert WITHOUT[name] in done.stderr


@pytest.mark.parametrize("name", [name for name in WITHOUT if name.startswith("cupy-")])
def test_cupy_13_is_left_alone(name: str, run_check: Run) -> None:
    done = run_check(name, cupy="13.6.0")
    assert WITHOUT[name] in done.stderr
