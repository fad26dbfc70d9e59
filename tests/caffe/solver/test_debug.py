"""``debug_info``: what it says is so, and it changes nothing."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from recipes import messages, recipe

from chainer_ft.caffe.prototxt import parse_solver
from chainer_ft.caffe.solver import Log, Solver


def run(folder: Path, extra: str) -> tuple[Solver, list[str]]:
    out = io.StringIO()
    text = recipe(folder, max_iter=3, display=2, random_seed=1, momentum=0) + extra
    solver = Solver(parse_solver(text, "s"), log=Log(out))
    solver.solve()
    return solver, messages(out.getvalue())


def test_the_lines_stand_where_caffe_has_them_and_the_rest_is_the_same(tmp_path: Path) -> None:
    plain, quiet = run(tmp_path, "")
    expected = (tmp_path / "x_iter_3.caffemodel").read_bytes()
    watched, loud = run(tmp_path, " debug_info: true")
    assert (tmp_path / "x_iter_3.caffemodel").read_bytes() == expected
    assert float(plain.loss) == float(watched.loss)
    said = [line for line in loud if not re.match(r"    \[(For|Back)ward\]", line)]
    assert said == quiet

    first = next(i for i, line in enumerate(loud) if line.startswith("Iteration 0, loss"))
    backward = [line for line in loud[:first] if "[Backward]" in line]
    names = [re.sub(r": [-\d.e+]+$", "", line.strip()) for line in backward]
    assert names[:-1] == [
        "[Backward] Layer loss, bottom blob fc diff",
        "[Backward] Layer fc, bottom blob frozen diff",
        "[Backward] Layer fc, param blob 0 diff",
        "[Backward] Layer fc, param blob 1 diff",
        "[Backward] Layer frozen, bottom blob conv diff",
        "[Backward] Layer drop, bottom blob conv diff",
        "[Backward] Layer relu, bottom blob conv diff",
        "[Backward] Layer scale, bottom blob conv diff",
        "[Backward] Layer scale, param blob 0 diff",
        "[Backward] Layer scale, param blob 1 diff",
        "[Backward] Layer bn, bottom blob conv diff",
        "[Backward] Layer conv, param blob 0 diff",
        "[Backward] Layer conv, param blob 1 diff",
    ]
    pattern = r"All net params \(data, diff\): L1 norm = \(.*, .*\); L2 norm = \(.*, .*\)$"
    assert re.search(pattern, backward[-1])
    assert not [line for line in loud if "Iteration 1" in line and "Forward" in line]


def test_the_numbers_are_those_of_the_net(tmp_path: Path) -> None:
    solver, _ = run(tmp_path, " debug_info: true")
    lines: list[str] = []
    solver.updater.debug = lambda place, text: lines.append(text)
    before = {(b.layer, b.index): b.read() for b in solver.net.params_in_order()}
    solver.updater.update()
    data = dict(re.findall(r"Layer (\S+), param blob 0 data: (\S+)", "\n".join(lines)))
    for layer in ("conv", "frozen", "fc", "scale"):
        assert data[layer] == f"{np.abs(before[layer, 0]).mean(dtype='f8'):g}"
    loss = re.search(r"Layer loss, top blob loss data: (\S+)", "\n".join(lines))
    assert loss is not None and loss[1] == f"{float(solver.loss):g}"
