"""A range test finds a rate, and leaves nothing behind."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
import training_runs as runs
from chainer import functions, iterators, links, training
from chainer.link_hooks import SpectralNormalization
from training_nets import OPTIMIZERS, batch, net

import chainer_ft as ft
from chainer_ft.errors import RuleError, UsageError

NAMES = [name for name in OPTIMIZERS if name != "AdaDelta"]  # it has no rate to find


class TestLeavesNoTrace:
    """An inserted range test changes nothing in a run, bit for bit."""

    @pytest.mark.parametrize("name", NAMES)
    def test_before_the_first_update(self, name: str) -> None:
        updater = runs.updater(OPTIMIZERS[name]())
        before, order = runs.fingerprint(updater), updater.get_iterator("main")
        found = ft.lr_find(updater, steps=20, groups={"head": "/predictor/fc"})
        assert runs.fingerprint(updater) == before
        assert updater.get_iterator("main") is order
        assert before["/predictor/fc/W"] is None  # still lazy
        assert set(found.curves) == {"all", "head"}

    @pytest.mark.parametrize("name", NAMES)
    def test_within_a_run(self, name: str, tmp_path: Path) -> None:
        plain = runs.watched(runs.updater(OPTIMIZERS[name]()), tmp_path / "a")
        plain.run()
        other = runs.watched(runs.updater(OPTIMIZERS[name]()), tmp_path / "b")

        @training.make_extension(trigger=(7, "iteration"))
        def look(trainer: training.Trainer) -> None:
            ft.lr_find(trainer.updater, steps=15, groups={"body": "/predictor/conv1"})

        other.extend(look)
        other.run()
        assert runs.fingerprint(other.updater) == runs.fingerprint(plain.updater)
        assert runs.log(other) == runs.log(plain)

    def test_with_frozen_parts_and_multipliers(self, tmp_path: Path) -> None:
        def run(*extensions: Any) -> training.Trainer:
            made = runs.watched(runs.updater(), tmp_path)
            made.extend(ft.extensions.Freeze("/predictor/*1", until=(6, "iteration")))
            made.extend(ft.extensions.LearningRates({"/predictor/fc": 10}))
            for extension in extensions:
                made.extend(extension)
            made.run()
            return made

        plain = run()
        options = {"steps": 12, "filename": None}
        other = run(
            ft.extensions.LRFind(**options),
            ft.extensions.LRFind(trigger=(4, "iteration"), **options),
            ft.extensions.LRFind(trigger=(9, "iteration"), **options),
        )
        assert runs.fingerprint(other.updater) == runs.fingerprint(plain.updater)
        assert runs.log(other) == runs.log(plain)

    def test_when_it_fails(self) -> None:
        updater = runs.updater()
        updater.update()
        before = runs.fingerprint(updater)
        with pytest.raises(UsageError, match=r"reports no 'main/error' .*main/loss"):
            ft.lr_find(updater, loss="main/error")
        assert runs.fingerprint(updater) == before

    def test_python_s_random_and_a_data_set_s_own(self) -> None:
        own = np.random.default_rng(0)

        def augment(pair: Any) -> Any:
            noise = own.normal(0, 0.1) + random.gauss(0, 0.1)
            return pair[0] + np.float32(noise), pair[1]

        augmented = chainer.datasets.TransformDataset(runs.data(), augment)
        updater = runs.updater(batches=iterators.SerialIterator(augmented, 8))
        updater.update()
        before = own.bit_generator.state, random.getstate()
        ft.lr_find(updater, steps=10)
        assert (own.bit_generator.state, random.getstate()) == before

    def test_the_state_of_a_recurrent_net(self) -> None:
        model = links.Classifier(chainer.Sequential(links.LSTM(108, 4), links.Linear(4, 3)))
        flat = [(x.ravel(), t) for x, t in runs.data()]
        updater = runs.updater(batches=iterators.SerialIterator(flat, 8), model=model)
        updater.update()
        lstm = model.predictor[0]
        state, cell = lstm.h, lstm.c
        bits = lstm.h.array.tobytes(), lstm.c.array.tobytes()
        ft.lr_find(updater, steps=10)
        assert lstm.h is state
        assert lstm.c is cell
        assert (lstm.h.array.tobytes(), lstm.c.array.tobytes()) == bits

    def test_the_observation_of_the_trainer(self, tmp_path: Path) -> None:
        seen = []
        made = runs.watched(runs.updater(), tmp_path, 2)

        @training.make_extension(trigger=(1, "iteration"), priority=1000)
        def look(trainer: training.Trainer) -> None:
            before = dict(trainer.observation)
            ft.lr_find(trainer, steps=5)
            seen.append(trainer.observation == before)

        made.extend(look)
        made.run()
        assert seen == [True, True]


class TestUpdaters:
    def test_one_with_models_on_several_devices(self) -> None:
        model = links.Classifier(net())
        with chainer.using_config("train", False):
            model.predictor(batch()[0])
        optimizer = OPTIMIZERS["MomentumSGD"]().setup(model)
        devices = {"main": chainer.get_device("@numpy"), "other": chainer.get_device("@numpy")}
        batches = iterators.SerialIterator(runs.data(), 8)
        updater = training.updaters.ParallelUpdater(batches, optimizer, devices=devices)
        updater.update()
        other = updater._models["other"]
        before, copy = runs.fingerprint(updater), [p.array.tobytes() for p in other.params()]
        found = ft.lr_find(updater, steps=10)
        assert len(found.curves["all"].losses) == 10
        assert runs.fingerprint(updater) == before
        assert [p.array.tobytes() for p in other.params()] == copy

    def test_one_with_two_optimizers(self) -> None:
        class Pair(training.StandardUpdater):  # type: ignore[misc]
            def update_core(self) -> None:
                images, labels = self.converter(self.get_iterator("main").next(), self.device)
                for optimizer in self.get_all_optimizers().values():
                    model = optimizer.target
                    loss = functions.softmax_cross_entropy(model(images), labels)
                    chainer.report({"loss": loss}, model)
                    model.cleargrads()
                    loss.backward()
                    optimizer.update()

        both = {name: chainer.optimizers.Adam().setup(net()) for name in ("first", "second")}
        updater = Pair(iterators.SerialIterator(runs.data(), 8), both)
        updater.update()
        before = [p.array.tobytes() for o in both.values() for p in o.target.params()]
        found = ft.lr_find(updater, optimizer="second", loss="second/loss", steps=10)
        assert found.name == "alpha"
        assert [p.array.tobytes() for o in both.values() for p in o.target.params()] == before
        assert [o.t for o in both.values()] == [1, 1]

    def test_a_link_hook_with_state(self) -> None:
        hook = SpectralNormalization()
        linear = links.Linear(108, 20).add_hook(hook)
        model = links.Classifier(chainer.Sequential(linear, links.Linear(20, 3)))
        flat = [(x.ravel(), t) for x, t in runs.data()]
        updater = runs.updater(batches=iterators.SerialIterator(flat, 8), model=model)
        updater.update()
        before, vector = runs.fingerprint(updater), linear.W_u.copy()
        ft.lr_find(updater, steps=10)
        assert runs.fingerprint(updater) == before
        np.testing.assert_array_equal(linear.W_u, vector)


class TestIterators:
    def test_one_that_fetches_ahead_is_not_touched(self, tmp_path: Path) -> None:
        def run(look: bool) -> training.Trainer:
            batches = iterators.MultiprocessIterator(
                runs.data(), 8, n_processes=1, order_sampler=ft.EpochShuffle(1)
            )
            made = runs.watched(runs.updater(batches=batches), tmp_path, 8)
            if look:
                trigger = (3, "iteration")
                made.extend(ft.extensions.LRFind(trigger=trigger, filename=None, steps=12))
            made.run()
            return made

        assert runs.log(run(look=True)) == runs.log(run(look=False))

    def test_threads(self) -> None:
        batches = iterators.MultithreadIterator(runs.data(), 8, n_threads=1)
        updater = runs.updater(batches=batches)
        updater.update()
        before = runs.fingerprint(updater)
        ft.lr_find(updater, steps=8)
        assert runs.fingerprint(updater) == before
        updater.finalize()

    def test_one_that_cannot_be_put_back_needs_another(self) -> None:
        class Endless(chainer.dataset.Iterator):  # type: ignore[misc]
            epoch_detail = is_new_epoch = 0

            def __init__(self) -> None:
                self.source = (list(runs.data())[:8] for _ in range(100))

            def __next__(self) -> Any:
                return next(self.source)

            next = __next__

        updater = runs.updater(batches=Endless())
        updater.update()
        with pytest.raises(UsageError, match=r"main\.source is a generator.*iterator="):
            ft.lr_find(updater)
        other = iterators.SerialIterator(runs.data(), 8)
        ft.lr_find(updater, steps=5, iterator=other)
        assert updater.iteration == 1
        assert len(list(updater.get_iterator("main").source)) == 99

    def test_one_that_ends(self) -> None:
        updater = runs.updater(batches=iterators.SerialIterator(runs.data(), 8, repeat=False))
        curve = ft.lr_find(updater, stop=1e-3).curves["all"]
        assert len(curve.losses) == 5
        assert curve.end.startswith("no more data at ")
        assert updater.get_iterator("main").current_position == 0

    def test_one_that_is_advanced_behind_the_updater_s_back_is_an_error(self) -> None:
        batches = iterators.MultithreadIterator(runs.data(), 8, n_threads=1)

        class Own(training.StandardUpdater):  # type: ignore[misc]
            def update_core(self) -> None:
                batch = self.converter(batches.next(), self.device)
                self.get_optimizer("main").update(self.get_optimizer("main").target, *batch)

        optimizer = chainer.optimizers.SGD().setup(links.Classifier(net()))
        updater = Own(batches, optimizer)
        with pytest.raises(UsageError, match="advanced behind the updater's back"):
            ft.lr_find(updater, steps=4)
        batches.finalize()

    def test_what_it_has_nothing_to_do_with_can_be_left(self) -> None:
        updater = runs.updater()
        updater.writer = [threading.Thread()]
        with pytest.raises(UsageError, match=r"updater\.writer\[0\] is a Thread.*leave="):
            ft.lr_find(updater, steps=3)
        ft.lr_find(updater, steps=3, leave=[updater.writer])


class TestFinds:
    def test_the_rate_of_a_quadratic(self) -> None:
        """For 0.5 k w**2, SGD diverges from 2/k on, and takes long at a hundredth of that."""
        model = _Quadratic(curvature=100.0)
        found = ft.lr_find(_updater(model), loss="main/loss", start=1e-5, stop=10, steps=200)
        assert found.suggestion is not None
        assert 2e-4 < found.suggestion < 2e-2
        assert found.curves["all"].end.startswith("diverged")
        assert model.w.array == 1.0

    def test_groups_differ_where_their_curvatures_do(self) -> None:
        model = chainer.Chain(steep=_Quadratic(1000.0), flat=_Quadratic(1.0))

        class Both(chainer.Chain):  # type: ignore[misc]
            def forward(self, _: Any) -> Any:
                loss = self.model.steep.loss() + self.model.flat.loss() * 300
                chainer.report({"loss": loss}, self)
                return loss

        updater = _updater(Both(model=model))
        groups = {"steep": "/model/steep", "flat": model.flat}
        found = ft.lr_find(updater, start=1e-6, stop=10, steps=200, groups=groups)
        steep, flat = (found.curves[name].suggestion for name in groups)
        assert steep is not None and flat is not None
        assert 1.5 < flat / steep < 8  # curvatures 300 and 1000

    def test_what_is_not_in_the_group_stands_still(self) -> None:
        updater = runs.updater(chainer.optimizers.SGD())
        predictor = updater.get_optimizer("main").target.predictor
        updater.get_optimizer("main").add_hook(_Watch(predictor), "watch", timing="post")
        _MOVED.clear()
        ft.lr_find(updater, steps=6, start=0.01, stop=0.1, groups={"head": "/predictor/fc"})
        everything, head = _MOVED[:6], _MOVED[6:]
        assert len({conv for conv, _ in everything}) == 6
        assert len({conv for conv, _ in head}) == 1
        assert len({fc for _, fc in head}) == 6

    def test_adam_s_alpha(self) -> None:
        updater = runs.updater(chainer.optimizers.Adam(0.25))
        found = ft.lr_find(updater, steps=5)
        assert found.name == "alpha"
        assert updater.get_optimizer("main").alpha == 0.25

    def test_a_loss_that_overflows_ends_it_without_a_warning(self) -> None:
        model = _Quadratic(curvature=1.0)
        found = ft.lr_find(_updater(model), start=1e3, stop=1e30, steps=50, diverge=float("inf"))
        assert found.curves["all"].end.startswith("diverged")
        assert np.isfinite(found.curves["all"].losses).all()

    def test_in_debug_mode_too(self) -> None:
        with chainer.using_config("debug", True):
            ft.lr_find(_updater(_Quadratic(1.0)), start=1e3, stop=1e30, diverge=float("inf"))


#: Not reachable from the updater: what is, is undone.
_MOVED: list[tuple[float, float]] = []


class _Watch:
    """An optimizer hook that notes two layers after each step."""

    def __init__(self, predictor: Any) -> None:
        self.predictor = predictor

    def __call__(self, optimizer: Any) -> None:
        parts = self.predictor.conv1.W, self.predictor.fc.W
        _MOVED.append((float(parts[0].array.sum()), float(parts[1].array.sum())))


class _Quadratic(chainer.Chain):  # type: ignore[misc]
    """0.5 k w**2, from w = 1."""

    def __init__(self, curvature: float) -> None:
        super().__init__()
        self.curvature = curvature
        with self.init_scope():
            self.w = chainer.Parameter(np.ones((), np.float32))

    def loss(self) -> Any:
        return self.w * self.w * (0.5 * self.curvature)

    def forward(self, _: Any) -> Any:
        loss = self.loss()
        chainer.report({"loss": loss}, self)
        return loss


def _updater(model: chainer.Link) -> training.StandardUpdater:
    optimizer = chainer.optimizers.SGD(0.1).setup(model)
    batches = iterators.SerialIterator(np.zeros((4, 1), np.float32), 2)
    return training.StandardUpdater(batches, optimizer)


class TestRefuses:
    @pytest.mark.parametrize(
        "options",
        [{"start": 0.0}, {"start": 1.0, "stop": 0.1}, {"steps": 2}, {"stop": float("inf")}],
        ids=str,
    )
    def test_a_range_that_is_none(self, options: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="in at least 3 steps"):
            ft.lr_find(runs.updater(), **options)

    def test_an_optimizer_without_a_rate(self) -> None:
        with pytest.raises(UsageError, match=r"AdaDelta has no learning rate .*rho"):
            ft.lr_find(runs.updater(chainer.optimizers.AdaDelta()))

    def test_an_optimizer_that_is_not_there(self) -> None:
        with pytest.raises(UsageError, match="no optimizer 'gen'; it has main"):
            ft.lr_find(runs.updater(), optimizer="gen")

    def test_a_group_that_hits_nothing(self) -> None:
        with pytest.raises(RuleError, match="hits nothing"):
            ft.lr_find(runs.updater(), groups={"head": "/fc8"})

    def test_a_group_that_is_frozen(self) -> None:
        updater = runs.updater()
        ft.freeze(updater.get_optimizer("main").target, "/predictor/conv1")
        with pytest.raises(UsageError, match="group 'body': nothing in '/predictor/conv1' trains"):
            ft.lr_find(updater, groups={"body": "/predictor/conv1"})

    def test_several_processes(self) -> None:
        updater = runs.updater()
        updater.setup_workers = lambda: None  # as MultiprocessParallelUpdater has
        with pytest.raises(UsageError, match="trains in several processes"):
            ft.lr_find(updater)

    def test_a_rate_of_its_own_is_told(self, caplog: pytest.LogCaptureFixture) -> None:
        updater = runs.updater()
        model = updater.get_optimizer("main").target
        model.predictor.fc.W.update_rule.hyperparam.lr = 0.5
        ft.lr_find(updater, steps=3)
        assert "/predictor/fc/W: keep the rate of their own" in caplog.text


def test_a_link_that_reports_under_a_name_of_its_own(tmp_path: Path) -> None:
    """Inside a trainer, what the user told its reporter is known too."""

    class Extra(chainer.Link):  # type: ignore[misc]
        pass

    extra, model = Extra(), _Quadratic(1.0)
    plain = model.forward

    def forward(x: Any) -> Any:
        loss = plain(x)
        chainer.report({"twice": loss * 2}, extra)
        return functions.identity(loss)

    model.forward = forward
    made = training.Trainer(_updater(model), (2, "iteration"), out=str(tmp_path))
    made.reporter.add_observer("extra", extra)
    made.extend(ft.extensions.LRFind(trigger=(1, "iteration"), loss="extra/twice", filename=None))
    made.run()
    assert made.get_extension("LRFind").found is not None
