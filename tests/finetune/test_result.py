"""A result goes into JSON and comes back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chainer_ft.errors import FormatError
from chainer_ft.finetune.measured import (
    Confusion,
    Contender,
    Curve,
    Drift,
    Margin,
    Sample,
    Score,
)
from chainer_ft.finetune.result import FILE, RunResult


def contender(name: str, correct: int, margin: Margin | None = None) -> Contender:
    curve = Curve((1.0, 2.0), (2.0, 1.0), (0.3, None), (1.9, 1.2), (0.4, 0.5), (0.1, 0.0), (3, 6))
    return Contender(name, 0.01, curve, Score(correct, 10), 6.5, margin)


def a_result(**changes: Any) -> RunResult:
    result = RunResult(
        model="nets.py:Net",
        weights="old.npz",
        scenario="small-similar",
        why="few images, like those of the weights",
        fine_tuned=contender("fine-tuned", 9),
        baselines=(contender("scratch", 5, Margin(5, 1, 10)),),
        confusion=Confusion(("katze", "犬"), ((5, 0), (1, 4))),
        worst=(Sample("photos/1.JPG", "katze", "犬", 0.01, 4.6, "worst/0.png"),),
        data={"classes": [{"name": "katze", "train": 5, "val": 5}]},
        preprocessing={"size": [32, 32]},
        copy_map=None,
        head="head /fc: 10 -> 2 classes, all new",
        schedule="phases:\n  - name: head\n",
        timeline={"unit": "epoch"},
        drift=Drift((1.0, 2.0), {"/fc": (0.1, 0.2), "": (0.1, 0.2)}),
        settings={"epochs": 2},
        seed=0,
        device="@numpy",
        command="chainer-ft train photos",
        versions={"python": "3.12"},
        notes=("a note",),
    )
    return replace(result, **changes)


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    for result in (a_result(), a_result(baselines=(), worst=(), copy_map={"pairs": []})):
        result.save(tmp_path)
        assert RunResult.load(tmp_path) == result


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"schema": "chainer_ft.result/1"}', '{"schema": 2}']
)
def test_what_is_no_result_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(FormatError, match=r"result\.json: is no result"):
        RunResult.load(tmp_path)


def test_a_missing_key_is_refused_by_name(tmp_path: Path) -> None:
    data = a_result().to_dict()
    del data["confusion"]
    (tmp_path / FILE).write_text(json.dumps(data))
    with pytest.raises(FormatError, match="confusion"):
        RunResult.load(tmp_path)


def test_a_run_that_is_not_over_has_none(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="a run that is over has one"):
        RunResult.load(tmp_path)
