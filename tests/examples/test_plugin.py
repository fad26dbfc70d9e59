"""The example plugin, installed by pip and used from the command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plugin"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the example is installed in, from a copy: the build leaves files behind."""
    folder = tmp_path_factory.mktemp("example")
    copy, target = folder / "source", folder / "site"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg*"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--target", str(target)]
    # pip refuses constraints on a build that is not isolated.
    free = {name: value for name, value in os.environ.items() if "CONSTRAINT" not in name}
    subprocess.run([*pip, *offline, str(copy)], check=True, timeout=120, env=free)
    return target


def run(site: Path, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(site), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    arrays = {"old/fc/W": np.ones((2, 3), "f4"), "old/fc/b": np.full(2, 2, "f4")}
    header = b'{"old/fc/W": [2, 3], "old/fc/b": [2]}'
    numbers = b"".join(array.tobytes() for array in arrays.values())
    file = tmp_path / "old.weights"
    file.write_bytes(b"WEIGHTS1" + len(header).to_bytes(4, "little") + header + numbers)
    return file


def test_plugins_lists_it(site: Path) -> None:
    done = run(site, "chainer_ft", "plugins")
    assert done.returncode == 0
    provides = "loader weights, saver weights, policy suffix"
    line = rf"^example \(chainer-ft-example 1\.0\) +active +{provides}$"
    assert re.search(line, done.stdout, re.M)
    assert "problem" not in done.stdout


def test_show_opens_its_format(site: Path, weights: Path) -> None:
    done = run(site, "chainer_ft", "show", str(weights))
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 arrays, 8 parameters  (weights)" in done.stdout


def test_copy_uses_its_loader_and_its_policy(site: Path, weights: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.npz"
    zeros = {"predictor/net/fc/W": np.zeros((2, 3), "f4"), "predictor/net/fc/b": np.zeros(2, "f4")}
    np.savez(target, **zeros)
    done = run(site, "chainer_ft", "copy", str(weights), str(target), "--policy", "suffix")
    assert done.returncode == 0, done.stderr
    assert "both are called fc" in done.stdout
    with np.load(target) as result:
        assert (result["predictor/net/fc/b"] == 2).all()


def test_convert_uses_its_saver(site: Path, weights: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.weights"
    done = run(site, "chainer_ft", "convert", str(weights), str(again))
    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == weights.read_bytes()


@pytest.mark.parametrize("name", ["example", "chainer-ft-example", "Chainer_FT.example"])
def test_blocked_it_is_not_there(name: str, site: Path, weights: Path) -> None:
    done = run(site, "chainer_ft", "show", str(weights), "-p", f"no:{name}")
    assert done.returncode == 3
    assert "no loader knows this content" in done.stderr


def test_its_own_tests_pass(site: Path, tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    shutil.copytree(EXAMPLE / "tests", tests, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    done = run(site, "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
