"""A run that is killed anywhere and resumed equals the unbroken one, bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 24


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``killing.py`` found."""
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("runs")), str(KILLS)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_resumed_runs_equal_the_unbroken_one(report: dict[str, Any]) -> None:
    assert len(report["kills"]) == KILLS
    assert report["arrays"] > 50  # weights, statistics, Adam's state, generators, the schedule
    for kill in report["kills"]:
        assert kill["code"] == -9, kill
        assert kill["same_log"] and not kill["differing"], kill


@pytest.mark.slow
def test_the_kills_strike_every_phase_and_every_moment(report: dict[str, Any]) -> None:
    ends = [max(e["iteration"] for e in report["log"] if e["phase"] <= p) for p in (1, 2, 3)]
    phases = {sum(kill["iteration"] > end for end in ends) for kill in report["kills"]}
    assert phases == {0, 1, 2}
    assert {kill["moment"] for kill in report["kills"]} == {"forward", "-75", "-150"}
    assert {kill["autoload"] for kill in report["kills"]} == {True, False}


@pytest.mark.slow
def test_the_metric_ended_the_second_phase(report: dict[str, Any]) -> None:
    """Its best check is two epochs old then, so the best weights have to outlive a kill."""
    losses = [e[k] for e in report["log"] for k in e if k == "validation/main/loss"]
    middle = losses[1:5]
    assert min(middle) == middle[1]
    assert report["log"][-1]["epoch"] == 6
