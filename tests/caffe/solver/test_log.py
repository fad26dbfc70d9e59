"""The log: what Caffe's own scripts look for in it, and what a run says line by line."""

from __future__ import annotations

import io
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipes import golden_net, write_hdf5

from chainer_ft.caffe.prototxt import parse_solver
from chainer_ft.caffe.solver import Log, Solver
from chainer_ft.caffe.solver.log import number
from chainer_ft.caffe.solver.scores import Output, lines

PREFIX = re.compile(r"[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6}) +\d+ [\w.]+:\d+\] ")


def rows(log: str) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Train and test rows by the keys that parse_log.py goes by."""
    iteration, rate = -1, float("nan")
    train: list[dict[str, float]] = []
    test: list[dict[str, float]] = []
    assert "Solving" in log
    for line in log.splitlines():
        if found := re.search(r"Iteration (\d+)", line):
            iteration = int(found[1])
        if found := re.search(r"lr = ([-+]?\d*\.?\d+([eE]?[-+]?\d+)?)", line):
            rate = float(found[1])
            train[-1]["LearningRate"] = rate
        for table, phase in ((train, "Train"), (test, "Test")):
            pattern = rf"{phase} net output #(\d+): (\S+) = ([-+]?\d*\.?\d+([eE]?[-+]?\d+)?)"
            if found := re.search(pattern, line):
                if found[1] == "0":
                    table.append({"NumIters": iteration})
                table[-1][found[2]] = float(found[3])
    return train, test


def freeze_run(shared: Path, tmp_path: Path, extra: str = "") -> tuple[Solver, str]:
    """The golden recipe of frozen, cut off and unused layers, run to its end."""
    random = np.random.RandomState(0)
    arrays = {"data": random.randn(24, 5), "label": random.randint(0, 3, 24)}
    data = write_hdf5(tmp_path, "s", arrays)
    net = golden_net(shared, tmp_path, "f_net.prototxt", "/ref/s.txt", data)
    text = (shared / "caffe" / "golden" / "files" / "f_solver.prototxt").read_text()
    text = text.replace("/ref/f_net.prototxt", net).replace("/ref/", f"{tmp_path}/")
    out = io.StringIO()
    solver = Solver(parse_solver(text + extra, "s"), log=Log(out))
    solver.solve()
    return solver, out.getvalue()


def test_caffes_scripts_find_what_they_look_for(shared: Path, tmp_path: Path) -> None:
    _, log = freeze_run(shared, tmp_path)
    said = [line for line in log.splitlines() if PREFIX.match(line)]
    assert all(PREFIX.match(line) for line in said[2:]) and "Solving freeze" in log
    train, test = rows(log)
    assert [row["NumIters"] for row in train] == [0, 2, 4]
    assert [row["LearningRate"] for row in train] == [0.1, 0.01, 0.001]
    assert [row["NumIters"] for row in test] == [3, 6]  # test_initialization: false
    assert all({"acc", "loss"} < set(row) for row in train + test)
    accuracy = [line for line in said if "Test net output #0" in line]
    assert [float(line.split()[10]) for line in accuracy] == [row["acc"] for row in test]
    rate = [float(line.split()[8]) for line in said if ", lr = " in line]
    assert rate == [0.1, 0.01, 0.001]


def test_the_lines_of_a_run_stand_in_caffes_order(shared: Path, tmp_path: Path) -> None:
    _, log = freeze_run(shared, tmp_path)
    said = [re.sub(PREFIX, "", line) for line in log.splitlines() if PREFIX.match(line)]
    said = said[said.index("Solving freeze") :]
    clipped = r"Gradient clipping: scaling down gradients \(L2 norm N > N\) by scale factor N"
    shown = r"Iteration N \(N iter/s, Ns/2 iters\), loss = N"
    expected = [
        "Solving freeze",
        "Learning Rate Policy: multistep",
        shown,
        r"    Train net output #0: acc = N",
        r"    Train net output #1: loss = N \(\* 0\.5 = N loss\)",
        "Iteration 0, lr = 0.1",
        clipped,
        clipped,
        shown,
    ]
    for line, pattern in zip(said, expected, strict=False):
        assert re.fullmatch(pattern.replace("N", r"[-+.\de]+"), line), line
    at = said.index("MultiStep Status: Iteration 2, step = 1")
    assert said[at + 1] == "Iteration 2, lr = 0.01"
    test = said.index("Iteration 3, Testing net (#0)")
    assert said[test + 1].startswith("Test loss: ")
    assert said[-5].startswith("Iteration 6, Testing") and said[-1] == "Optimization Done."
    closing = [line for line in said if line.startswith("Iteration 6, loss = ")]
    assert len(closing) == 1


def test_what_is_cut_off_or_unused_decays_and_what_has_rate_0_does_not(
    shared: Path, tmp_path: Path
) -> None:
    solver, _ = freeze_run(shared, tmp_path)
    np.testing.assert_array_equal(solver.net.b.W.array, np.float32(0.1))
    for link in (solver.net.a, solver.net.unused):  # real Caffe: 0.1 -> 0.0906 in 6 steps
        rates = [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
        weight, velocity = 0.1, 0.0
        for rate in rates:
            velocity = 0.9 * velocity + rate * 0.1 * weight
            weight -= velocity
        np.testing.assert_allclose(link.W.array, weight, rtol=1e-5)


def test_a_line_is_that_of_glog() -> None:
    out = io.StringIO()
    Log(out, lambda: datetime(2016, 1, 2, 3, 4, 5, 6))("net.cpp:1", "x", "W")
    assert re.fullmatch(r"W0102 03:04:05\.000006 +\d+ net\.cpp:1\] x\n", out.getvalue())
    Log()("net.cpp:1", "nobody reads this")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.float32(0.1), "0.1"),
        (np.float32(1.62284), "1.62284"),
        (1e-5, "1e-05"),
        (123456.0, "123456"),
        (1234567.0, "1.23457e+06"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (0.0, "0"),
    ],
)
def test_numbers_are_those_of_a_c_stream(value: Any, said: str) -> None:
    assert number(value) == said


def test_each_number_of_an_output_has_a_line_and_numbers_go_on() -> None:
    outputs = [Output("a", np.float32([1, 2])), Output("loss", np.float32([4]), 0.5)]
    assert list(lines("Train", outputs)) == [
        "    Train net output #0: a = 1",
        "    Train net output #1: a = 2",
        "    Train net output #2: loss = 4 (* 0.5 = 2 loss)",
    ]
