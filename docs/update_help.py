"""Rewrite what the pages of the verbs quote: their ``--help``, and the transcripts.

    python docs/update_help.py

A transcript is a fenced block ``console``: after ``$`` stands a command, below it what it prints,
in a folder with the files of :func:`make_files`. ``tests/docs`` holds both against the code.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import numpy as np

from chainer_ft.cli.main import main
from chainer_ft.host import set_default_host

VERBS = Path(__file__).parent / "verbs"
HELP = re.compile(r"(?<=^## Help\n\n```text\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
TRANSCRIPT = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)

NET = """\
import chainer
import chainer.links as L


class Net(chainer.Chain):
    def __init__(self):
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(1, 4, 3)
            self.fc = L.Linear(16, 3)
"""


def make_files() -> None:
    """Write the files that the transcripts use into the current folder.

    ``old.npz`` is a Classifier whose last layer has five outputs, ``net.py`` has a net with three.
    In ``typo.yaml`` a key is misspelt.
    """
    sizes = {"conv1/W": (4, 1, 3, 3), "conv1/b": (4,), "fc/W": (5, 16), "fc/b": (5,)}
    arrays = {f"predictor/{path}": np.ones(size, "f4") for path, size in sizes.items()}
    np.savez("old.npz", **arrays)
    Path("net.py").write_text(NET, encoding="utf-8")
    typo = "phases:\n  - name: head\n    lenght: 1 epoch\n"
    Path("typo.yaml").write_text(typo, encoding="utf-8")
    Path("hello.py").write_text("import sys\n\nprint(sys.argv)\n", encoding="utf-8")


def help_of(verb: str) -> str:
    """What ``chainer-ft VERB --help`` prints, 80 columns wide."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        return _output([verb, "--help"])[0]
    finally:
        os.environ.pop("COLUMNS")
        os.environ.update({} if before is None else {"COLUMNS": before})


def replay(transcript: str) -> Iterator[str]:
    """Run the commands of a transcript; yield them and what they print."""
    code = 0
    for line in re.findall(r"^\$ (.*)$", transcript, re.MULTILINE):
        yield f"$ {line}\n"
        if line == "echo $?":
            yield f"{code}\n"
            continue
        program, *arguments = shlex.split(line)
        assert program == "chainer-ft", line
        text, code = (_process if arguments[0] == "run" else _output)(arguments)
        yield text


def _output(arguments: list[str]) -> tuple[str, int]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([*arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
    return out.getvalue() + err.getvalue(), code


def _process(arguments: list[str]) -> tuple[str, int]:
    """For ``run``, which gives NumPy its old names back for the rest of the process."""
    paths = os.pathsep.join([str(VERBS.parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "chainer_ft", *arguments],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout, done.returncode


@contextmanager
def folder_with_files() -> Iterator[None]:
    """Work in a folder of its own, as if no plugin were installed."""
    before, paths = os.getcwd(), list(sys.path)
    nobody = mock.patch("chainer_ft.host.host.load_entry_points", return_value=())
    with tempfile.TemporaryDirectory() as folder, nobody:
        os.chdir(folder)
        try:
            make_files()
            yield
        finally:
            os.chdir(before)
            sys.path[:] = paths
            sys.modules.pop("net", None)
            set_default_host(None)


def updated(text: str, verb: str) -> str:
    """A page with its help and its transcripts as they are today."""
    with folder_with_files():
        text = TRANSCRIPT.sub(lambda found: "".join(replay(found[0])), text)
    return HELP.sub(lambda found: help_of(verb), text)


if __name__ == "__main__":
    for page in sorted(VERBS.glob("*.md")):
        page.write_text(updated(page.read_text(encoding="utf-8"), page.stem), encoding="utf-8")
