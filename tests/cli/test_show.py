"""``chainer-ft show``, ``diff`` and ``convert``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from chainer_ft.cli.main import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", **{"conv/W": np.ones((2, 3), "f"), "conv/b": np.zeros(2, "f")})
    np.savez("b.npz", **{"conv/W": np.ones((2, 3), "f"), "conv/b": np.ones(2, "f")})
    return tmp_path


def test_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "a.npz"]) == 0
    out = capsys.readouterr().out
    assert "/conv/W  2x3    float32  param           6" in out
    assert "2 arrays, 8 parameters  (npz)" in out
    assert main(["show", "a.npz", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "chainer_ft.listing/1"
    assert data["entries"][0]["shape"] == [2, 3]


def test_show_says_where_weights_come_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", "a.npz", "c.h5"]) == 0
    assert main(["show", "c.h5"]) == 0
    assert "weights from: a.npz (sha256 " in capsys.readouterr().out


def test_diff(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "a.npz", "b.npz"]) == 0
    out = capsys.readouterr().out
    assert "values  /conv/b  2 float32    2 float32    1" in out
    assert out.splitlines()[-1] == "1 equal, 1 values"
    assert main(["diff", "a.npz", "b.npz", "--exit-code"]) == 1
    assert main(["diff", "a.npz", "a.npz", "--exit-code"]) == 0


def test_diff_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "a.npz", "b.npz", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "chainer_ft.diff/1"
    assert [entry["status"] for entry in data["entries"]] == ["equal", "values"]


def test_convert_replaces_and_obeys_rules(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.npz").write_bytes(b"whatever was here")
    rules = ["--rename", "conv=stem", "--skip", "/stem/b"]
    assert main(["convert", "a.npz", "out.npz", *rules, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["written"], data["renamed"]["/conv/W"]) == ("out.npz", "/stem/W")
    with np.load("out.npz") as out:
        assert "stem/W" in out.files
        assert "stem/b" not in out.files
    before = Path("out.npz").read_bytes()
    assert main(["convert", "a.npz", "out.npz", "--dry-run"]) == 0
    assert Path("out.npz").read_bytes() == before
    assert main(["convert", "a.npz", "out.caffemodel"]) == 3
