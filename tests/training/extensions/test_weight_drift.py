"""Drift in a run: in the log, in the picture, and across a resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
import training_runs as runs
from chainer import links
from training_nets import net

import chainer_ft as ft
from chainer_ft.errors import RuleError, UsageError


def run(out: Path, iterations: int = 6, **options: Any) -> chainer.training.Trainer:
    made = runs.watched(runs.updater(), out, iterations)
    made.extend(ft.extensions.WeightDrift(**{"trigger": (2, "iteration"), **options}))
    return made


def drifts(of: chainer.training.Trainer) -> list[dict[str, float]]:
    """What of each entry of the log is drift."""
    found = [{k: v for k, v in e.items() if k.startswith("drift")} for e in runs.log(of)]
    return [one for one in found if one]


def test_each_layer_is_in_the_log(tmp_path: Path) -> None:
    made = run(tmp_path)
    made.extend(ft.extensions.Freeze("/predictor/conv1"))
    made.run()
    first, _, last = drifts(made)
    assert first["drift/predictor/conv1"] == 0.0
    assert 0 < first["drift/predictor/bn1"] < last["drift/predictor/bn1"]
    assert 0 < last["drift"] < 1
    assert last["drift/predictor/blocks/1/bn"] > 0
    assert (tmp_path / "drift.png").read_bytes().startswith(b"\x89PNG")


def test_it_changes_nothing_else(tmp_path: Path) -> None:
    with_it = run(tmp_path)
    with_it.run()
    plain = runs.watched(runs.updater(), tmp_path, 6)
    plain.run()
    assert runs.fingerprint(with_it.updater) == runs.fingerprint(plain.updater)


@pytest.mark.parametrize("given", [False, True])
def test_a_resumed_run_measures_from_the_same_start(given: bool, tmp_path: Path) -> None:
    def made() -> chainer.training.Trainer:
        return run(tmp_path, 8, **({"start": links.Classifier(net())} if given else {}))

    unbroken = made()
    unbroken.run()
    broken = run(tmp_path, 4, **({"start": links.Classifier(net())} if given else {}))
    broken.run()
    chainer.serializers.save_npz(tmp_path / "snapshot.npz", broken)
    resumed = made()
    chainer.serializers.load_npz(tmp_path / "snapshot.npz", resumed)
    resumed.run()
    assert runs.log(resumed) == runs.log(unbroken)
    assert len(resumed.get_extension("WeightDrift").history) == 4
    with np.load(tmp_path / "snapshot.npz") as snapshot:
        kept = [name for name in snapshot if name.startswith("extensions/WeightDrift/start/")]
    lazy = "extensions/WeightDrift/start/predictor/fc/W"  # given or not, it had no array
    assert lazy in kept
    assert (kept == [lazy]) is given


def test_a_given_start_counts_where_the_snapshot_is_loaded_behind_it(tmp_path: Path) -> None:
    def made(out: str, iterations: int) -> chainer.training.Trainer:
        np.random.seed(0)
        made = run(tmp_path / out, iterations, start=links.Classifier(net()), filename=None)
        made.extend(chainer.training.extensions.snapshot(autoload=True), trigger=(1, "iteration"))
        made.run()
        return made

    made("broken", 7)
    resumed, unbroken = made("broken", 12), made("whole", 12)
    assert drifts(resumed) == drifts(unbroken) and len(drifts(resumed)) > 1


@pytest.mark.filterwarnings("ignore:The previous value of:UserWarning")  # of the trigger
def test_a_resume_without_a_start_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = runs.watched(runs.updater(), tmp_path, 4)
    broken.run()
    chainer.serializers.save_npz(tmp_path / "snapshot.npz", broken)
    resumed = run(tmp_path, filename=None)
    chainer.serializers.load_npz(tmp_path / "snapshot.npz", resumed)
    resumed.run()
    assert "no start for WeightDrift; it measures from now on" in caplog.text
    assert len(drifts(resumed)) == 1


def test_the_model_inside_a_classifier_is_a_start(tmp_path: Path) -> None:
    updater = runs.updater()
    predictor = updater.get_optimizer("main").target.predictor
    made = runs.watched(updater, tmp_path, 2)
    extension = ft.extensions.WeightDrift(predictor, trigger=(1, "iteration"), filename=None)
    made.extend(extension)
    predictor.conv1.W.array *= 2  # after the start was taken
    made.run()
    assert drifts(made)[0]["drift/predictor/conv1"] > 0.9
    assert not (tmp_path / "drift.png").exists()


def test_a_start_of_another_model_is_an_error(tmp_path: Path) -> None:
    made = run(tmp_path, start={"/predictor/conv9/W": np.zeros(3)})
    with pytest.raises(RuleError, match="/predictor/conv9/W: the model has no such parameter"):
        made.run(show_loop_exception_msg=False)


def test_without_matplotlib_it_says_so_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainer_ft.report import pictures

    monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"drift\.png: .*pip install matplotlib"):
        ft.extensions.WeightDrift()
    assert ft.extensions.WeightDrift(filename=None).history == []


def test_two_optimizers_have_names_of_their_own(tmp_path: Path) -> None:
    batches = chainer.iterators.SerialIterator([np.ones(2, np.float32)], 1)
    models = {name: chainer.Chain(fc=chainer.links.Linear(2, 2)) for name in ("gen", "dis")}
    both = {name: chainer.optimizers.SGD().setup(one) for name, one in models.items()}
    updater = chainer.training.StandardUpdater(batches, both, loss_func=lambda *_: None)
    made = chainer.training.Trainer(updater, (1, "iteration"), out=str(tmp_path))
    models["gen"].fc.W.array[...] = 2
    reported = {}
    for name in both:
        extension = ft.extensions.WeightDrift(optimizer=name, filename=None)
        extension.initialize(made)
        models[name].fc.W.array[...] += {"gen": 1, "dis": 0}[name]
        with chainer.Reporter().scope(reported):
            extension(made)
    assert reported["gen/drift/fc"] == reported["gen/drift"] == 0.5
    assert reported["dis/drift/fc"] == reported["dis/drift"] == 0
