"""``chainer-ft schedule``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import chainer_ft as ft
from chainer_ft.cli.main import main

NET = """
import chainer
import chainer.links as L

class Net(chainer.Chain):
    def __init__(self):
        super().__init__(conv=L.Convolution2D(1, 4, 3), mid=L.Linear(8, 8), fc=L.Linear(8, 3))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scheduled.py").write_text(NET)
    return tmp_path


MODEL = "scheduled.py:Net"


def test_the_draft_is_printed_or_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", MODEL]) == 0
    printed = capsys.readouterr().out
    assert main(["schedule", MODEL, "-o", "s.yaml"]) == 0
    assert (folder / "s.yaml").read_text() == printed
    assert ft.Schedule.load("s.yaml") == ft.Schedule.fine_tune(head="/fc")


def test_a_file_that_exists_is_not_overwritten(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "s.yaml").write_text("mine")
    assert main(["schedule", MODEL, "-o", "s.yaml"]) == 2
    assert "s.yaml: exists, and may have been edited" in capsys.readouterr().err
    assert (folder / "s.yaml").read_text() == "mine"


def test_check_shows_what_was_edited(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "phases:\n  - {length: 1 epoch, freeze: 'all_but(/fc)', lr: 0.01}\n  - freeze: /conv\n"
    (folder / "s.yaml").write_text(text)
    assert main(["schedule", MODEL, "--check", "s.yaml", "--timeline", "t.png"]) == 0
    out = capsys.readouterr().out
    assert "/fc    x0.01    x1" in out
    assert "! never trained in any phase: /conv/W" in out and "! from phase 'phase 1'" in out
    assert (folder / "t.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "s.yaml").read_text() == text


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", MODEL, "--gradual", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "chainer_ft.schedule/1" and data["problems"] == []
    assert [phase["name"] for phase in data["phases"]] == [f"top {n} of 3" for n in (1, 2, 3)]
    assert data["layers"][0] == {
        "path": "/conv",
        "rates": [None, None, 1.0],
        "partly": [False, False, False],
    }


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--check", "s.yaml", "-o", "x.yaml"], 2, "--check takes a schedule that exists"),
        (["--check", "no.yaml"], 3, "no.yaml: cannot be read"),
        (["--check", "bad.yaml"], 2, "bad.yaml, line 2: unknown key"),
        (["--check", "other.yaml"], 2, "phase 'phase 1': '/fc8' hits nothing; nearest: /fc"),
        (["--timeline", "t.xyz"], 2, "t.xyz: pictures are written as"),
        (["-o", "no/s.yaml"], 3, "there is no folder"),
    ],
)
def test_what_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    (folder / "bad.yaml").write_text("phases:\n  - nam: a\n")
    (folder / "other.yaml").write_text("phases:\n  - freeze: /fc8\n")
    assert main(["schedule", MODEL, *arguments]) == code
    assert told in capsys.readouterr().err


PROTOTXT = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "loss/fc" type: "InnerProduct" bottom: "conv" top: "fc"
        inner_product_param { num_output: 2 } }
"""


def test_a_caffe_net_may_be_named_by_its_prototxt(folder: Path) -> None:
    (folder / "net.prototxt").write_text(PROTOTXT)
    assert main(["schedule", "net.prototxt", "-o", "s.yaml"]) == 0
    assert ft.Schedule.load("s.yaml") == ft.Schedule.fine_tune(head="/loss/fc")
    assert main(["schedule", "net.prototxt", "--check", "s.yaml"]) == 0
