"""``chainer-ft caffe train``, ``test`` and ``time``, on a small net and an LMDB of stripes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.caffe.data.datum import make_datum
from chainer_ft.cli import caffe
from chainer_ft.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
NET = """
name: "Stripes"
layer { name: "data" type: "Data" top: "data" top: "label" include { not_stage: "other" }
        data_param { source: "db" backend: LMDB batch_size: 4 } transform_param { scale: 0.01 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { stage: "other" }
        data_param { source: "nowhere" backend: LMDB batch_size: 4 } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy"
        include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" test_iter: 2 test_interval: 10 base_lr: 0.1 lr_policy: "fixed"
momentum: 0.9 display: 10 max_iter: 30 snapshot: 10 snapshot_prefix: "s" random_seed: 1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A net, its solver and its data, in the current folder."""
    with lmdb.open(str(tmp_path / "db"), map_size=1 << 20) as env, env.begin(write=True) as txn:
        for i in range(8):
            stripe = np.zeros((1, 4, 4), np.uint8)
            stripe[0, :, i % 4] = 200
            txn.put(b"%d" % i, make_datum(stripe, i % 2))
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_train_then_resume_then_test(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["caffe", "train", "-solver", "solver.prototxt"]) == 0
    log = said(capsys)
    lines = re.findall(r"(?<=\] ).*", log)
    assert lines[0] == "Use CPU." and lines[-1] == "Optimization Done."
    assert "Solving Stripes" in lines and "    Test net output #0: accuracy = 1" in lines
    prefix = re.compile(r"[IW]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \w+\.cpp:\d+\] ")
    assert all(prefix.match(line) for line in log.splitlines() if re.match(r"[IWE]\d", line))
    end = (folder / "s_iter_30.caffemodel").read_bytes()
    (folder / "s_iter_30.caffemodel").unlink()
    resumed = ["--solver=solver.prototxt", "--snapshot=s_iter_10.solverstate"]
    assert main(["caffe", "train", *resumed]) == 0
    assert "Resuming from s_iter_10.solverstate" in said(capsys)
    assert (folder / "s_iter_30.caffemodel").read_bytes() == end
    model = ["-model", "net.prototxt", "-weights", "s_iter_30.caffemodel", "-iterations", "3"]
    assert main(["caffe", "test", *model]) == 0
    lines = re.findall(r"(?<=\] ).*", said(capsys))
    assert "Running for 3 iterations." in lines and "Batch 2, accuracy = 1" in lines
    assert "accuracy = 1" in lines and re.fullmatch(r"loss = \S+ \(\* 1 = \S+ loss\)", lines[-1])


def test_weights_are_copied_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["caffe", "train", "-solver", "solver.prototxt"])
    text = SOLVER.replace("max_iter: 30", "max_iter: 1").replace("base_lr: 0.1", "base_lr: 0")
    (folder / "again.prototxt").write_text(text.replace('"s"', '"t"'))
    arguments = ["caffe", "train", "-solver", "again.prototxt", "-weights"]
    assert main([*arguments, "s_iter_10.caffemodel,s_iter_30.caffemodel"]) == 0
    with ft.open("t_iter_1.caffemodel") as new, ft.open("s_iter_30.caffemodel") as old:
        np.testing.assert_array_equal(new.read("/fc/W"), old.read("/fc/W"))
    assert "Finetuning from s_iter_10.caffemodel" in said(capsys)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("num_output: 2", "num_output: 3", r"\(2, 16\).*\(3, 16\)|2x16.*3x16"),
        ('"fc"', '"other"', "s_iter_30"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    old: str, new: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["caffe", "train", "-solver", "solver.prototxt"]) == 0
    (folder / "net.prototxt").write_text(NET.replace(old, new))
    arguments = ["-solver", "solver.prototxt", "-weights", "s_iter_30.caffemodel"]
    assert main(["caffe", "train", *arguments]) == 1
    last = said(capsys).splitlines()[-1]
    assert last.startswith("chainer-ft: ") and re.search(message, last), last


def test_layers_that_are_tested_with_their_fillers_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In Caffe they are not."""
    assert main(["caffe", "train", "-solver", "solver.prototxt"]) == 0
    layer = NET[NET.index('layer { name: "fc"') : NET.index('layer { name: "accuracy"')]
    more = layer.replace('"fc"', '"more"').replace('bottom: "data"', 'bottom: "fc"')
    text = NET.replace(layer, layer + more)
    loss = text.index('layer { name: "accuracy"')
    (folder / "net.prototxt").write_text(text[:loss] + text[loss:].replace('"fc"', '"more"'))
    model = ["-model", "net.prototxt", "-weights", "s_iter_30.caffemodel", "-iterations", "1"]
    assert main(["caffe", "test", *model]) == 0
    assert re.search(r"^W.*left at their fillers: more$", said(capsys), re.M)


def test_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["caffe", "time", "-model", "net.prototxt", "-iterations", "2"]
    assert main(arguments) == 0
    lines = re.findall(r"(?<=\] ).*", said(capsys))
    assert any(re.fullmatch(r" +fc\tforward: \S+ ms\.", line) for line in lines)
    assert not any("accuracy" in line for line in lines)  # phase TRAIN
    assert main([*arguments, "-phase", "TEST"]) == 0
    assert "accuracy\tforward" in said(capsys)


def test_convert_writes_a_script_that_trains_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["caffe", "train", "-solver", "solver.prototxt"]) == 0
    assert main(["caffe", "convert", "solver.prototxt", "-o", "train.py"]) == 0
    capsys.readouterr()
    assert main(["caffe", "convert", "-solver", "solver.prototxt"]) == 0
    assert capsys.readouterr().out == (folder / "train.py").read_text()
    end = (folder / "s_iter_30.caffemodel").read_bytes()
    (folder / "s_iter_30.caffemodel").unlink()
    done = subprocess.run(
        [sys.executable, "train.py"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (folder / "s_iter_30.caffemodel").read_bytes() == end


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["train", "-solver", "none.prototxt"], 3, r"none\.prototxt"),
        (["train", "-solver", "net.prototxt"], 3, r"net\.prototxt:2:1: SolverParameter has no"),
        (["train", "-solver", "bad.prototxt"], 2, r"bad\.prototxt:1:\d+: .*lr_policy"),
        (["train", "-solver", "solver.prototxt", "-stage", "other"], 3, "nowhere: does not exist"),
        (["train", "-solver", "solver.prototxt", "-weights", "db/data.mdb"], 3, r"data\.mdb"),
        (["train", "-solver", "solver.prototxt", "-snapshot", "x", "-weights", "y"], 2, "not both"),
        (["test", "-model", "net.prototxt", "-weights", "none.caffemodel"], 3, "none"),
        (["time", "-model", "solver.prototxt"], 3, r"solver\.prototxt:2:1: NetParameter has no"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(
    arguments: list[str], code: int, message: str, folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    bad = 'net: "net.prototxt" base_lr: 1 max_iter: 1 lr_policy: "x"'
    (folder / "bad.prototxt").write_text(bad)
    assert main(["caffe", *arguments]) == code
    last = said(capsys).splitlines()[-1]
    assert re.search(message, last) and last.startswith("chainer-ft: ") and "internal" not in last


def test_a_damaged_database_is_said_in_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library of LMDB would end the process with a bus error."""
    data = folder / "db" / "data.mdb"
    data.write_bytes(data.read_bytes()[:8192])
    assert main(["caffe", "train", "-solver", "solver.prototxt"]) == 3
    assert "db/data.mdb: ends at byte 8192 of" in said(capsys).splitlines()[-1]


def test_a_solver_that_asks_for_a_gpu_where_there_is_none(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file runs, and it is said; the flag is an error."""
    monkeypatch.setattr("chainer_ft.cli.caffe_train.has_gpu", lambda: False)
    monkeypatch.setattr(caffe, "has_gpu", lambda: False)
    (folder / "gpu.prototxt").write_text(SOLVER + "solver_mode: GPU")
    assert main(["caffe", "train", "-solver", "gpu.prototxt"]) == 0
    log = said(capsys)
    assert re.search(r"^W.*gpu\.prototxt:4:1: solver_mode: GPU, but CuPy finds none", log, re.M)
    assert "Use CPU." in log
    assert main(["caffe", "train", "-solver", "solver.prototxt", "-gpu", "0"]) == 2
    assert "--gpu 0: CuPy finds no GPU" in said(capsys)


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_hanging_up_snapshots_and_goes_on_and_ctrl_c_snapshots_and_ends(folder: Path) -> None:
    endless = SOLVER.replace("max_iter: 30", "max_iter: 100000000")
    (folder / "long.prototxt").write_text(endless.replace("snapshot: 10 ", ""))
    command = [sys.executable, "-m", "chainer_ft", "caffe", "train", "-solver", "long.prototxt"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = ""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        steps = [("Iteration 10 (", signal.SIGHUP), ("Snapshotting solver state", signal.SIGINT)]
        for awaited, number in steps:
            while awaited not in log:
                log += (line := process.stderr.readline())
                assert line, log
            process.send_signal(number)
        log += process.stderr.read()
    assert process.returncode == 0, log
    assert log.count("Optimization stopped early.") == 1
    snapshots = [int(n) for n in re.findall(r"binary proto file s_iter_(\d+)\.caffemodel", log)]
    assert len(snapshots) == 2 and 10 < snapshots[0] < snapshots[1]
    assert all((folder / f"s_iter_{n}.solverstate").exists() for n in snapshots)
