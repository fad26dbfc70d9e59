"""What a schedule has to know of its trainer; the updaters of several devices."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from chainer import training
from training_nets import arrays, batch, net

import chainer_ft as ft
from chainer_ft.errors import ScheduleError
from chainer_ft.training.schedules.surroundings import (
    check_reachable,
    epoch_size,
    total_length,
)

LOWER = ["/predictor/conv1", "/predictor/bn1"]


def parallel(out: Path, *phases: ft.Phase, length: int = 8) -> tuple[training.Trainer, Any]:
    model = L.Classifier(net())
    with chainer.using_config("train", False):
        model.predictor(batch()[0])
    devices = {"main": chainer.get_device("@numpy"), "second": chainer.get_device("@numpy")}
    examples = chainer.datasets.TupleDataset(*batch(24))
    updater = training.updaters.ParallelUpdater(
        chainer.iterators.SerialIterator(examples, 8),
        chainer.optimizers.MomentumSGD(0.05).setup(model),
        devices=devices,
    )
    made = training.Trainer(updater, (length, "iteration"), out=str(out))
    made.extend(ft.extensions.Schedule(ft.Schedule(phases)))
    return made, updater._models


def test_every_copy_of_a_parallel_updater_follows(tmp_path: Path) -> None:
    phases = [ft.Phase("3 iterations", freeze=LOWER), ft.Phase("3 iterations", freeze="last(1)")]
    made, models = parallel(tmp_path, *phases)
    seen: dict[int, Any] = {}

    def note(trainer: training.Trainer) -> None:
        weights = {name: arrays(model) for name, model in models.items()}
        links = {name: ft.frozen(model).links for name, model in models.items()}
        seen[trainer.updater.iteration] = weights, links

    made.extend(note, trigger=(1, "iteration"), priority=-60, name="note")
    made.run()
    assert seen[1][1] == {"main": tuple(LOWER), "second": tuple(LOWER)}
    assert seen[3][1] == {"main": ("/predictor/fc",), "second": ("/predictor/fc",)}
    for step in range(1, 7):
        for path, array in seen[step][0]["main"].items():
            if not path.endswith(("avg_mean", "avg_var")):  # each has those of its own batches
                assert array.tobytes() == seen[step][0]["second"][path].tobytes(), (step, path)
    conv = [seen[step][0]["main"]["/predictor/conv1/W"].tobytes() for step in range(1, 7)]
    assert conv[0] == conv[1] == conv[2] != conv[3] != conv[4]


def test_the_best_weights_come_back_into_every_copy(tmp_path: Path) -> None:
    until = ft.EarlyStopping("metric", 1, check="1 iteration")
    made, models = parallel(tmp_path, ft.Phase(until=until))

    def worse(trainer: training.Trainer) -> None:
        chainer.report({"metric": float(trainer.updater.iteration)})

    made.extend(worse, trigger=(1, "iteration"), priority=200, name="worse")
    made.run()
    assert made.updater.iteration == 2
    for path, array in models["main"].namedparams():
        assert (array.array == dict(models["second"].namedparams())[path].array).all()


def test_workers_that_copy_once_hear_of_one_phase_only() -> None:
    updater = SimpleNamespace(setup_workers=None, _devices=[0, 1])
    trainer = SimpleNamespace(updater=updater)
    with pytest.raises(ScheduleError, match="copies the model to its workers once"):
        check_reachable(trainer, 2)
    check_reachable(trainer, 1)
    check_reachable(SimpleNamespace(updater=SimpleNamespace(setup_workers=None, _devices=[0])), 2)


def test_when_the_trainer_stops() -> None:
    def of(trigger: Any) -> Any:
        return total_length(SimpleNamespace(stop_trigger=trigger))

    get = training.get_trigger
    assert of(get((20, "epoch"))) == (20, "epoch")
    assert of(get(None)) is None
    assert of(training.triggers.TimeTrigger(60)) is None
    assert of(training.triggers.EarlyStoppingTrigger(max_trigger=(9, "epoch"))) == (9, "epoch")


class OwnUpdater(training.StandardUpdater):
    """Nobody knows how many batches it takes."""

    def update_core(self) -> None:
        for _ in range(2):
            next(self.get_iterator("main"))


def test_the_size_of_an_epoch() -> None:
    def of(main: Any, updater: Any = training.StandardUpdater) -> Any:
        optimizer = chainer.optimizers.SGD().setup(L.Linear(2, 2))
        return epoch_size(SimpleNamespace(updater=updater({"main": main}, optimizer)))

    assert of(chainer.iterators.SerialIterator(np.zeros(64), 10)) == 6.4
    assert of(object()) is None
    assert of(chainer.iterators.SerialIterator(np.zeros(64), 10), OwnUpdater) is None
    assert epoch_size(SimpleNamespace(updater=object())) is None


class Two(training.StandardUpdater):
    """Trains two models, each with its own optimizer."""

    def update_core(self) -> None:
        x, t = self.converter(self.get_iterator("main").next(), self.device)
        for optimizer in self.get_all_optimizers().values():
            optimizer.update(optimizer.target, x, t)


def test_each_of_several_optimizers_may_have_a_schedule(tmp_path: Path) -> None:
    models = {name: L.Classifier(net()) for name in ("main", "other")}
    optimizers = {name: chainer.optimizers.Adam().setup(one) for name, one in models.items()}
    examples = chainer.datasets.TupleDataset(*batch(24))
    updater = Two(chainer.iterators.SerialIterator(examples, 8), optimizers)
    made = training.Trainer(updater, out=str(tmp_path))
    for name, length in (("main", 2), ("other", 3)):
        phases = [ft.Phase((length, "iteration"), freeze=LOWER), ft.Phase("2 iterations")]
        made.extend(ft.extensions.Schedule(ft.Schedule(phases), optimizer=name))
    made.extend(training.extensions.LogReport(trigger=(1, "iteration")))
    made.run()
    log = made.get_extension("LogReport").log
    assert [entry["phase"] for entry in log] == [1, 1, 2, 2, 2]
    assert [entry["other/phase"] for entry in log] == [1, 1, 1, 2, 2]


def test_two_schedules_of_one_optimizer_are_refused(tmp_path: Path) -> None:
    made, _ = parallel(tmp_path, ft.Phase("1 iteration"))
    made.extend(ft.extensions.Schedule(ft.Schedule.fine_tune()))
    with pytest.raises(ScheduleError, match="'Schedule_1' sets the learning rates"):
        made.run()
