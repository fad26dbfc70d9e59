"""``chainer-ft copy`` and ``plan``, in-process; exit codes and what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import chainer
import chainer.links as L  # noqa: N812
import numpy as np
import pytest

import chainer_ft  # noqa: F401  makes the next line work
from chainer_ft.cli.main import main

MODELS = """
import chainer
import chainer.links as L
class Net(chainer.Chain):
    def __init__(self, classes=3):
        super().__init__()
        with self.init_scope():
            self.conv = L.Convolution2D(1, 2, 3)
            self.fc = L.Linear(4, classes)
def Wide():
    return Net(7)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models_of_test.py").write_text(MODELS)
    net = chainer.Chain(conv=L.Convolution2D(1, 2, 3), fc=L.Linear(4, 3))
    chainer.serializers.save_npz("old.npz", net)
    return tmp_path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return ran


def test_into_a_model(folder: Path, run: Run) -> None:
    code, out, err = run("copy", "old.npz", "models_of_test.py:Net", "-o", "new.npz")
    assert (code, err) == (0, "")
    assert "copied  /conv.{W, b}  /conv.{W, b}" in out
    assert out.splitlines()[-2].startswith("coverage 100.0%: 35 of 35 parameters")
    assert out.splitlines()[-1] == "written: new.npz"
    with np.load("new.npz") as new, np.load("old.npz") as old:
        assert (new["fc/W"] == old["fc/W"]).all()


def test_a_dry_run_and_plan_write_nothing(folder: Path, run: Run) -> None:
    before = sorted(folder.iterdir())
    dry = run("copy", "old.npz", "models_of_test.py:Wide", "--dry-run")
    plan = run("plan", "old.npz", "models_of_test.py:Wide")
    assert dry == plan
    assert dry[0] == 0
    assert "3x4 is not 7x4" in dry[1]
    assert [p for p in sorted(folder.iterdir()) if p.name != "__pycache__"] == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["models_of_test.py:Wide", "--min-coverage", "0.9", "-o", "n"], 1, "under the floor"),
        (["models_of_test.py:Wide", "--strict", "-o", "n"], 1, "shape: /fc/W, /fc/b"),
        (["new.npz", "--skip", "/*"], 1, "nothing in old.npz matches new.npz"),
        (["models_of_test.py:Net"], 2, "name a file for the result: -o out.npz"),
        (["models_of_test.py:Nett", "-o", "n"], 2, "there is no 'Nett'"),
        (["new.npz", "--policy", "nmae"], 2, "there is no policy 'nmae'; nearest: name"),
        (["new.npz", "--skip", "/conv1"], 2, "skip '/conv1' hits nothing; nearest: /conv"),
        (["new.npz", "--rename", "conv"], 2, "is not like"),
        (["new.npz", "--min-coverage", "2"], 2, "from 0.0 to 1.0"),
        (["new.bin"], 3, "no saver writes this suffix"),
        (["new.pkl"], 3, "can be filled and not made"),
        (["missing/new.npz"], 3, "missing/new.npz: cannot be written: there is no folder"),
        (["."], 3, "is a folder"),
        ([], 2, "the following arguments are required: DST"),
    ],
)
def test_exit_codes(folder: Path, run: Run, arguments: list[str], code: int, message: str) -> None:
    got, _, err = run("copy", "old.npz", *arguments)
    assert (got, message in err) == (code, True), err
    assert not Path("n").exists()
    assert not Path("new.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["plan", "old.npz", "models_of_test.py:Net", "--min-coverage", "7"], 2, "not 7"),
        (["copy", "none.npz", "new.npz", "--min-coverage", "nan"], 2, "from 0.0 to 1.0, not nan"),
        (["copy", "old.npz", "models_of_test.py:Net", "-o", "no/n.npz"], 3, "no; make it first"),
        (["copy", "old.npz", "old.npz", "-o", "no/n.npz"], 3, "no; make it first"),
        (["copy", "old.npz", "old.npz", "-o", "n.pkl"], 3, "n.pkl: a pickle can be filled and not"),
        (["copy", "old.npz", "no/n.npz"], 3, "no; make it first"),
        (["convert", "old.npz", "no/n.npz", "--dry-run"], 3, "no; make it first"),
        (["convert", "old.npz", "n.pkl"], 3, "n.pkl: a pickle can be filled and not made"),
        (["convert", "old.npz", "n.bin"], 3, "no saver writes this suffix"),
        (["convert", "old.npz", "."], 3, "is a folder"),
    ],
)
def test_what_cannot_end_well_is_told_before_the_plan(
    folder: Path, run: Run, arguments: list[str], code: int, message: str
) -> None:
    got, out, err = run(*arguments)
    assert (got, out, message in err) == (code, "", True), err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty (0 bytes)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"\x01\x02nothing known", "no loader knows this content"),
    ],
)
def test_a_source_that_is_no_weights(folder: Path, run: Run, content: bytes, message: str) -> None:
    Path("odd.npz").write_bytes(content)
    code, _, err = run("copy", "odd.npz", "new.npz")
    assert (code, message in err) == (3, True), err
    assert run("copy", "none.npz", "new.npz")[0] == 3


def test_json_of_a_done_and_a_refused_copy(folder: Path, run: Run) -> None:
    code, out, _ = run("copy", "old.npz", "new.npz", "--json")
    data = json.loads(out)
    assert (code, data["applied"], data["written"]) == (0, True, "new.npz")
    assert data["schema"] == "chainer_ft.plan/1"
    code, out, err = run(
        "copy", "old.npz", "models_of_test.py:Wide", "-o", "n", "--strict", "--json"
    )
    data = json.loads(out)
    assert (code, data["applied"]) == (1, False)
    assert data["error"] in err


def test_rules_repeat(folder: Path, run: Run) -> None:
    rename = ["--rename", "^/conv/=/stem/", "--rename", "^/fc/=/head/"]
    assert (
        run("copy", "old.npz", "new.npz", *rename, "--only", "/stem", "--only", "/head/W")[0] == 0
    )
    with np.load("new.npz") as new:
        assert {"stem/W", "stem/b", "head/W"} == {name for name in new.files if "prov" not in name}


def test_a_part_of_a_file(folder: Path, run: Run) -> None:
    assert run("copy", "old.npz::/conv", "new.npz")[0] == 0
    with np.load("new.npz") as new:
        assert "W" in new.files
    code, _, err = run("copy", "old.npz::/cnov", "other.npz")
    assert (code, "has nothing below /cnov; nearest: /conv" in err) == (3, True)


def test_compress(folder: Path, run: Run) -> None:
    np.savez("big.npz", W=np.zeros(100000, "f"))
    for options, small in (([], False), (["--compress"], True)):
        assert run("copy", "big.npz", "new.npz", *options)[0] == 0
        assert (Path("new.npz").stat().st_size < 10000) is small
        Path("new.npz").unlink()
