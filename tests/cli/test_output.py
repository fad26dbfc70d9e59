"""A reader who leaves: ``chainer-ft ... | head -1`` exits as ``chainer-ft ...`` does."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainer_ft.cli.output import say

ROOT = Path(__file__).parents[2]
FEW, MANY = 3, 3000  # links whose table fits into the buffer of stdout, and does not


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """``a.npz`` and ``b.npz``, which differ in one link and agree in all others."""
    arrays = {f"fc{i}/W": np.ones((2, 2), "f4") for i in range(getattr(request, "param", FEW))}
    np.savez(tmp_path / "a.npz", **arrays)
    np.savez(tmp_path / "b.npz", **{**arrays, "fc0/W": np.zeros((3, 2), "f4")})
    (tmp_path / "leaves.py").write_text("print('on my way'); raise SystemExit(5)")
    return tmp_path


def run(
    folder: Path, arguments: str, stdout: int, stderr: int, unbuffered: str = ""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "chainer_ft", *arguments.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
        stdout=stdout,
        stderr=stderr,
        timeout=60,
        check=False,
    )


@pytest.fixture
def nobody() -> int:
    """The writing end of a pipe whose reader has left."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


CASES = [
    ("copy a.npz b.npz --strict", 1, b"strict, but entries are left over (shape: /fc0/W)"),
    ("copy a.npz b.npz --min-coverage 1", 1, b"under the floor"),
    ("copy a.npz b.npz --strict --json", 1, b"strict, but entries are left over (shape: /fc0/W)"),
    ("diff a.npz b.npz --exit-code", 1, b""),
    ("show no.npz", 3, b"there is no such file"),
]


@pytest.mark.parametrize(
    ("folder", "unbuffered"), [(FEW, ""), (FEW, "1"), (MANY, "")], indirect=["folder"]
)
@pytest.mark.parametrize(("arguments", "code", "sentence"), CASES)
def test_the_exit_code_and_the_sentence_survive(
    folder: Path, nobody: int, arguments: str, code: int, sentence: bytes, unbuffered: str
) -> None:
    done = run(folder, arguments, nobody, subprocess.PIPE, unbuffered)
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr
    assert done.stderr.count(b"\n") == bool(sentence)


@pytest.mark.parametrize(("arguments", "code", "sentence"), CASES)
def test_so_does_the_exit_code_where_nobody_reads_stderr(
    folder: Path, nobody: int, arguments: str, code: int, sentence: bytes
) -> None:
    """As ``chainer-ft ... 2>&1 | head -1`` does."""
    assert run(folder, arguments, nobody, nobody).returncode == code


def test_so_does_that_of_a_script(folder: Path, nobody: int) -> None:
    done = run(folder, "run leaves.py", nobody, subprocess.PIPE)
    assert (done.returncode, done.stderr) == (5, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_does_not_hide_a_refusal(folder: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = run(folder, "copy a.npz b.npz --strict", full.fileno(), subprocess.PIPE)
    assert done.returncode == 1
    refused, unwritten = done.stderr.splitlines()
    assert b"strict, but entries are left over (shape: /fc0/W)" in refused
    assert unwritten == b"chainer-ft: the output cannot be written: No space left on device"


def test_say_writes_to_the_stream_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    say("there", stream)
    say("here")
    assert (stream.getvalue(), capsys.readouterr().out) == ("there\n", "here\n")
