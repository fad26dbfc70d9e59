"""Runs commands as child processes, taking turns, and keeps time and peak memory of each.

Imports nothing large: a child's peak memory begins at that of the process which starts it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHAINER_FT = [sys.executable, "-m", "chainer_ft"]


@dataclass(frozen=True)
class Run:
    """One run of a command.

    Args:
        seconds: What the command itself measured, else the whole process.
        peak: Most memory that it held, in bytes.
        extra: What it held besides an interpreter with its modules, where it says so.
    """

    seconds: float
    peak: int
    extra: int = 0


@dataclass(frozen=True)
class Runs:
    """All runs of one command."""

    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        """Median."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def peak(self) -> int:
        """The worst."""
        return max(run.peak for run in self.runs)

    @property
    def extra(self) -> int:
        """The worst."""
        return max(run.extra for run in self.runs)

    def times(self, other: Runs) -> float:
        """How many times longer than the other: the median of the rounds' ratios."""
        pairs = zip(self.runs, other.runs, strict=True)
        return statistics.median(a.seconds / b.seconds for a, b in pairs)


def job(name: str, *arguments: object) -> list[str]:
    """The command that runs a function of ``jobs.py`` and prints what it measured."""
    return [sys.executable, str(HERE / "jobs.py"), name, *map(str, arguments)]


def interleaved(
    commands: Mapping[str, Sequence[str]], rounds: int, fresh: Sequence[Path] = ()
) -> dict[str, Runs]:
    """Run every command once a round, so that a busy machine is busy for all of them.

    Args:
        commands: By name.
        rounds: How often.
        fresh: Files that the commands write; removed before each.
    """
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            for path in fresh:
                path.unlink(missing_ok=True)
            os.sync()  # what others wrote is not this command's to wait for
            found[name].append(_run(command))
    return {name: Runs(tuple(runs)) for name, runs in found.items()}


def _run(command: Sequence[str]) -> Run:
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment()) as child:
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: failed with {child.returncode}")
    measured = json.loads(said) if str(HERE / "jobs.py") in command else {}
    return Run(measured.get("seconds", seconds), usage.ru_maxrss * 1024, measured.get("extra", 0))


def _environment() -> dict[str, str]:
    """The checkout before an installed chainer_ft, and one thread a process."""
    path = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
