"""Snapshots and what follows from them: real Caffe's own, and an unbroken run, bit for bit."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from recipes import TYPES, golden_recipe, messages, recipe, weights

from chainer_ft.caffe.prototxt import parse_solver, read_message
from chainer_ft.caffe.solver import Log, Signals, Solver, read_solverstate, write_solverstate
from chainer_ft.caffe.solver.positions import Positions, write_positions
from chainer_ft.caffe.solver.state import SolverState
from chainer_ft.errors import ArrayError, FormatError, NotWeightsError, UsageError

FORMATS = {"BINARYPROTO": "", "HDF5": ".h5"}


def test_a_snapshot_of_caffe_goes_on_as_caffe_went_on(shared: Path, tmp_path: Path) -> None:
    text = golden_recipe(shared, tmp_path)
    start = tmp_path / "snap_iter_5.solverstate"
    write_positions(str(start), Positions(5, 7, {"data": 5}, [{"data": 4}]))
    out = io.StringIO()
    assert Solver(parse_solver(text, "s"), snapshot=start, log=Log(out)).solve()
    golden = (shared / "caffe" / "golden" / "files" / "log.txt").read_text()
    caffe = messages(golden[golden.index("Iteration 5, Testing net") - 60 :])
    ours = messages(out.getvalue().replace(f"{tmp_path}/", ""))
    assert ours[ours.index(caffe[0]) :] == caffe[: caffe.index("Optimization Done.") + 1]
    expected = weights(shared / "caffe" / "golden" / "files" / "snap_iter_12.caffemodel")
    for key, array in weights(tmp_path / "snap_iter_12.caffemodel").items():
        np.testing.assert_allclose(array, expected[key], rtol=0, atol=1e-6)
    state = read_solverstate(tmp_path / "snap_iter_12.solverstate")
    known = read_solverstate(shared / "caffe" / "golden" / "files" / "snap_iter_12.solverstate")
    assert (state.iter, state.current_step) == (known.iter, known.current_step)
    for one, other in zip(state.history, known.history, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_without_positions_data_begin_anew_as_in_caffe(shared: Path, tmp_path: Path) -> None:
    text = golden_recipe(shared, tmp_path)
    out = io.StringIO()
    log = Log(out)
    solver = Solver(parse_solver(text, "s"), snapshot=tmp_path / "snap_iter_5.solverstate", log=log)
    assert solver.updater.running.feeds.positions() == {"data": 0}
    assert "begin anew, as in Caffe" in out.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("type", TYPES)
def test_a_resumed_run_equals_the_unbroken_one(type: str, kind: str, tmp_path: Path) -> None:
    text = recipe(tmp_path, snapshot=5, snapshot_format=kind, **TYPES[type])
    end = [tmp_path / f"x_iter_9.{name}{FORMATS[kind]}" for name in ("caffemodel", "solverstate")]
    unbroken = io.StringIO()
    Solver(parse_solver(text, "s"), log=Log(unbroken)).solve()  # without a seed: a fresh one
    expected = [path.read_bytes() for path in end]
    for path in end:
        path.unlink()
    resumed = io.StringIO()
    start = tmp_path / f"x_iter_5.solverstate{FORMATS[kind]}"
    Solver(parse_solver(text, "s"), snapshot=start, log=Log(resumed)).solve()
    if kind == "BINARYPROTO":  # HDF5 has times in it
        assert [path.read_bytes() for path in end] == expected
    whole, part = messages(unbroken.getvalue()), messages(resumed.getvalue())
    begin = next(i for i, line in enumerate(part) if line.startswith("Iteration 5, loss"))
    assert part[begin:] == whole[whole.index(part[begin]) :]


def test_a_solver_that_is_stopped_anywhere_goes_on_alike(tmp_path: Path) -> None:
    text = recipe(tmp_path)
    Solver(parse_solver(text + " random_seed: 3", "s")).solve()
    expected = (tmp_path / "x_iter_9.caffemodel").read_bytes()
    for stop in range(1, 12):
        asked = iter(range(100))
        solver = Solver(parse_solver(text + " random_seed: 3", "s"))
        done = solver.solve(lambda n=stop, a=asked: "stop" if next(a) == n else "none")
        assert not done
        state = tmp_path / f"x_iter_{solver.iter}.solverstate"
        assert Solver(parse_solver(text, "s"), snapshot=state).solve()
        assert (tmp_path / "x_iter_9.caffemodel").read_bytes() == expected
        (tmp_path / "x_iter_9.caffemodel").unlink()


def test_signals_in_a_run(tmp_path: Path) -> None:
    out = io.StringIO()
    solver = Solver(parse_solver(recipe(tmp_path), "s"), log=Log(out))
    sent = {2: signal.SIGHUP, 6: signal.SIGINT}
    solver.on_iteration = lambda s: signal.raise_signal(sent[s.iter]) if s.iter in sent else None
    with Signals() as requests:
        assert not solver.solve(requests)
    made = sorted(name for name in os.listdir(tmp_path) if name.endswith("solverstate"))
    assert made == ["x_iter_2.solverstate", "x_iter_6.solverstate"]
    assert messages(out.getvalue())[-1] == "Optimization stopped early."


def test_resuming_at_the_end_writes_a_snapshot_and_ends(tmp_path: Path) -> None:
    text = recipe(tmp_path, max_iter=4, snapshot=3)
    Solver(parse_solver(text, "s")).solve()
    (tmp_path / "x_iter_4.caffemodel").rename(tmp_path / "kept.caffemodel")
    state = tmp_path / "x_iter_4.solverstate"
    written = read_solverstate(state)
    write_solverstate(state, SolverState(4, str(tmp_path / "kept.caffemodel"), 1, written.history))
    assert Solver(parse_solver(text, "s"), snapshot=state).solve()
    assert weights(tmp_path / "x_iter_4.caffemodel").keys()


def test_the_last_update_is_saved_where_it_is_wanted(tmp_path: Path) -> None:
    for kind in FORMATS:
        text = recipe(tmp_path, max_iter=2, snapshot_diff="true", snapshot_format=kind)
        solver = Solver(parse_solver(text, "s"))
        solver.step(1)
        before = {(b.layer, b.index): b.read() for b in solver.net.params_in_order()}
        solver.step(1)
        solver.snapshot()
        path = tmp_path / f"x_iter_2.caffemodel{FORMATS[kind]}"
        if kind == "HDF5":
            import h5py

            with h5py.File(path) as file:
                diffs = {key: file[f"diff/{key[0]}/{key[1]}"][()] for key in before}
        else:
            layers = read_message(path, "NetParameter").layer
            diffs = {
                (layer.name, i): np.reshape(blob.diff, before[layer.name, i].shape)
                for layer in layers
                for i, blob in enumerate(layer.blobs)
            }
        for blob in solver.net.params_in_order():
            key = blob.layer, blob.index
            if not blob.is_statistic:
                np.testing.assert_allclose(before[key] - blob.read(), diffs[key], atol=1e-6)


class TestRefused:
    """What cannot be resumed, each with the place and what to do."""

    def test_weights_instead_of_a_state(self, shared: Path, tmp_path: Path) -> None:
        text = golden_recipe(shared, tmp_path)
        with pytest.raises(NotWeightsError, match="give it with --weights"):
            Solver(parse_solver(text, "s"), snapshot=tmp_path / "snap_iter_5.caffemodel")

    def test_both(self, shared: Path, tmp_path: Path) -> None:
        text = golden_recipe(shared, tmp_path)
        state, model = (tmp_path / f"snap_iter_5.{n}" for n in ("solverstate", "caffemodel"))
        with pytest.raises(UsageError, match="not both"):
            Solver(parse_solver(text, "s"), snapshot=state, weights=[str(model)])

    def test_another_type_of_solver(self, shared: Path, tmp_path: Path) -> None:
        text = golden_recipe(shared, tmp_path) + ' type: "Adam"'
        with pytest.raises(ArrayError, match="history of 4 blobs; a solver of type Adam has 8"):
            Solver(parse_solver(text, "s"), snapshot=tmp_path / "snap_iter_5.solverstate")
        other = golden_recipe(shared, tmp_path) + ' type: "Nesterov"'
        Solver(parse_solver(other, "s"), snapshot=tmp_path / "snap_iter_5.solverstate")

    def test_another_net(self, shared: Path, tmp_path: Path) -> None:
        text = golden_recipe(shared, tmp_path)
        path = tmp_path / "snap_iter_5.solverstate"
        old = read_solverstate(path)
        history = (*old.history[:3], np.zeros(7, np.float32))
        write_solverstate(path, SolverState(5, old.learned_net, 0, history))
        with pytest.raises(ArrayError, match=r"layer 'fc', blob 1 has shape \(7,\).*\(5,\)"):
            Solver(parse_solver(text, "s"), snapshot=path)

    def test_weights_that_are_gone(self, shared: Path, tmp_path: Path) -> None:
        text = golden_recipe(shared, tmp_path)
        (tmp_path / "snap_iter_5.caffemodel").unlink()
        with pytest.raises(FormatError, match=r"learned_net '/ref/snap_iter_5.caffemodel'"):
            Solver(parse_solver(text, "s"), snapshot=tmp_path / "snap_iter_5.solverstate")

    @pytest.mark.parametrize("text", ["", "{", '{"schema": 1}', "[]", '{"schema": "x"}'])
    def test_damaged_positions(self, text: str, shared: Path, tmp_path: Path) -> None:
        solver = golden_recipe(shared, tmp_path)
        (tmp_path / "snap_iter_5.solverstate.json").write_text(text)
        with pytest.raises(FormatError, match=r"solverstate.json: cannot be read .*remove it"):
            Solver(parse_solver(solver, "s"), snapshot=tmp_path / "snap_iter_5.solverstate")
