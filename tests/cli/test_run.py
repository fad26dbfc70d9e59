"""``chainer-ft run``: a script runs as ``python`` would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(code, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "chainer_ft", "run", "script.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_scripts_arguments_are_its_own(tmp_path: Path) -> None:
    """Also those that chainer-ft knows, and ``-h``."""
    options = ["-p", "3", "--debug", "--no-plugins", "-h", "--json"]
    done = run(tmp_path, "import sys; print(__name__, sys.argv)", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"__main__ {['script.py', *options]}\n"


def test_chainer_works_in_it(tmp_path: Path) -> None:
    call = "chainer.links.Linear(3, 2)(np.zeros((1, 3), 'f'))"
    done = run(tmp_path, f"import chainer, numpy as np\nprint({call}.shape)\n")
    assert (done.returncode, done.stdout) == (0, "(1, 2)\n"), done.stderr


@pytest.mark.parametrize(
    "code", ["def f():\n    raise KeyError('mine')\n\nf()\n", "import no_such\n", "def f(:\n"]
)
def test_its_own_exception_is_shown_as_python_shows_it(code: str, tmp_path: Path) -> None:
    done = run(tmp_path, code)
    shown = [sys.executable, str(tmp_path / "script.py")]
    alone = subprocess.run(shown, capture_output=True, text=True, timeout=60)
    assert done.returncode == alone.returncode == 1
    assert done.stderr.replace("script.py", "") == alone.stderr.replace(
        str(tmp_path / "script.py"), ""
    )


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [("raise SystemExit(7)", 7, ""), ("import sys; sys.exit('bye')", 1, "bye\n"), ("", 0, "")],
)
def test_its_exit_code_is_its_own(code: str, exit_code: int, said: str, tmp_path: Path) -> None:
    done = run(tmp_path, code)
    assert (done.returncode, done.stderr) == (exit_code, said)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chainer_ft", "run", "no.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (2, 3)
    assert done.stderr.startswith("chainer-ft: no.py: ")
    assert "Traceback" not in done.stderr
