"""The summary in a run: printed at the start, and when something else trains."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import training_runs as runs

import chainer_ft as ft


def test_it_is_printed_once_where_nothing_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    updater = runs.updater()
    updater.update()  # no lazy parameters from here on
    made = runs.watched(updater, tmp_path, 6)
    made.extend(ft.extensions.Summary(trigger=(1, "iteration")))
    made.run()
    told = capsys.readouterr().out
    assert told == f"{ft.summary(updater.get_optimizer('main').target)}\n"


def test_it_shows_what_extensions_froze_and_again_what_they_thawed(tmp_path: Path) -> None:
    out = io.StringIO()
    updater = runs.updater()
    updater.update()
    made = runs.watched(updater, tmp_path, 6)
    made.extend(ft.extensions.Summary(trigger=(1, "iteration"), out=out))
    made.extend(ft.extensions.Freeze("/predictor/conv1", until=(4, "iteration")))
    made.extend(ft.extensions.LearningRates({"/predictor/fc": 10}))
    made.run()
    lines = [line.split() for line in out.getvalue().splitlines() if "conv1" in line]
    assert [line[-1] for line in lines] == ["frozen", "x1"]
    assert "x10" in out.getvalue()


def test_lazy_parameters_are_shown_again_when_they_are_known(tmp_path: Path) -> None:
    out = io.StringIO()
    made = runs.watched(runs.updater(), tmp_path, 6)
    made.extend(ft.extensions.Summary(trigger=(1, "iteration"), out=out))
    made.run()
    assert out.getvalue().count("trainable params: ") == 2
    assert out.getvalue().count("have no array yet") == 1
