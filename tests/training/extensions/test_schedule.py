"""The extension that carries out a schedule."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from chainer import training
from training_nets import OPTIMIZERS, arrays, moved
from training_runs import assert_equal, model_of, result, trainer

import chainer_ft as ft
from chainer_ft.errors import ScheduleError
from chainer_ft.training.digest import FrozenChangedError
from chainer_ft.training.parameters import tuning_of

HEAD = "/predictor/fc"
BODY = ft.all_but(HEAD)


class At:
    """Calls a function at the end of each iteration, behind the schedule."""

    default_name = "at"
    trigger = (1, "iteration")
    priority = -60

    def __init__(self, function: Callable[[int, Any], None]) -> None:
        self.function = function

    def __call__(self, made: training.Trainer) -> None:
        self.function(made.updater.iteration, made)


def run(out: Path, phases: list[ft.Phase], **options: Any) -> training.Trainer:
    """Run it for at most 12 iterations (5 make an epoch)."""
    seen = options.pop("seen", lambda iteration, made: None)
    strict = options.pop("strict", True)
    extras = options.pop("extras", [])
    model = options.pop("model", lambda made: None)

    def extend(made: training.Trainer) -> None:
        for extra in extras:
            made.extend(extra)
        schedule = ft.Schedule(phases)
        made.extend(ft.extensions.Schedule(schedule, model(made), strict=strict))
        made.extend(At(seen))

    made = trainer(out, options.pop("length", 12), extend, **options)
    made.run()
    return made


def live(model: Any) -> set[str]:
    return {path for path, p in model.namedparams() if not tuning_of(p).frozen}


class TestPhases:
    def test_each_freezes_what_it_says_from_its_first_update_on(self, tmp_path: Path) -> None:
        before: dict[int, dict[str, np.ndarray]] = {}
        run(
            tmp_path,
            [
                ft.Phase("3 iterations", freeze=BODY),
                ft.Phase("2 iterations", freeze=HEAD),
                ft.Phase("4 iterations"),
            ],
            seen=lambda i, made: before.setdefault(i, arrays(model_of(made))),
        )
        assert sorted(before) == list(range(1, 10))
        head = {path for path in before[1] if path.startswith(HEAD + "/")}
        changed = {
            i: {p for p, a in before[i].items() if a.tobytes() != before[i + 1][p].tobytes()}
            for i in range(1, 9)
        }
        assert changed[1] == changed[2] == head
        assert changed[3] == changed[4] == set(before[1]) - head
        assert changed[5] == changed[8] == set(before[1])

    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_what_becomes_live_is_fresh_and_no_other_state_is_touched(
        self, tmp_path: Path, name: str
    ) -> None:
        """An extension with a higher priority sees the rules before the switch."""
        states: dict[str, Any] = {}

        def rules(made: training.Trainer) -> dict[str, Any]:
            found = {}
            for path, param in model_of(made).namedparams():
                rule = param.update_rule
                state = {k: np.array(v).tobytes() for k, v in (rule.state or {}).items()}
                found[path] = (rule.t, state, id(rule))
            return found

        def before(iteration: int, made: training.Trainer) -> None:
            if iteration == 3:
                states["before"] = rules(made)

        def behind(iteration: int, made: training.Trainer) -> None:
            if iteration == 3:
                states["behind"] = rules(made)

        first = At(before)
        first.priority = -40
        body = "/predictor/conv1"
        phases = [ft.Phase("3 iterations", freeze=[body, "/predictor/bn1"]), ft.Phase(lr=0.1)]
        run(tmp_path, phases, seen=behind, extras=[first], optimizer=OPTIMIZERS[name], length=5)
        for path, state in states["behind"].items():
            if path.startswith((body, "/predictor/bn1")):
                assert state[:2] == (0, {})
            else:
                assert state == states["before"][path] and state[0] > 0

    def test_multipliers_hold_for_their_phase(self, tmp_path: Path) -> None:
        seen: dict[int, tuple[float, float]] = {}

        def note(iteration: int, made: training.Trainer) -> None:
            tuning = tuning_of(model_of(made).predictor.conv1.W)
            seen[iteration] = tuning.lr_mult, tuning.decay_mult

        phases = [
            ft.Phase("1 iteration", lr=0.5),
            ft.Phase("1 iteration", lr={"/predictor/conv1": 0.1}, decay={"/**/W": 0}),
            ft.Phase("2 iterations"),
        ]
        run(tmp_path, phases, seen=note)
        assert seen == {1: (0.1, 0.0), 2: (1.0, 1.0), 3: (1.0, 1.0), 4: (1.0, 1.0)}

    def test_they_multiply_what_the_script_has_set(self, tmp_path: Path) -> None:
        def prepare(model: Any) -> None:
            ft.learning_rates(model, {HEAD: 10}, decay={"/**/b": 0})

        phases = [ft.Phase("1 iteration"), ft.Phase("1 iteration", lr=0.1)]
        made = run(tmp_path, phases, prepare=prepare)
        head = tuning_of(model_of(made).predictor.fc.b)
        assert (head.lr_mult, head.decay_mult) == (1.0, 0.0)
        assert tuning_of(model_of(made).predictor.conv1.W).lr_mult == 0.1

    def test_what_the_script_froze_stays_frozen(self, tmp_path: Path) -> None:
        def prepare(model: Any) -> None:
            ft.freeze(model, "/predictor/conv1", statistics="train")
            model.predictor.bn1.disable_update()

        still: dict[int, set[str]] = {}
        phases = [ft.Phase("2 iterations", freeze=BODY), ft.Phase("2 iterations")]
        run(
            tmp_path,
            phases,
            prepare=prepare,
            seen=lambda i, made: still.setdefault(i, set(ft.frozen(model_of(made)).params)),
        )
        assert still[4] == {"/predictor/conv1/W", "/predictor/conv1/b"} < still[1]
        assert still[2] == still[4]

    def test_an_extension_freezes_beside_it(self, tmp_path: Path) -> None:
        still: dict[int, set[str]] = {}
        freeze = ft.extensions.Freeze("/predictor/conv1", until=(4, "iteration"))
        phases = [ft.Phase("2 iterations", freeze="/predictor/bn1"), ft.Phase("5 iterations")]
        run(
            tmp_path,
            phases,
            extras=[freeze],
            seen=lambda i, made: still.setdefault(i, set(ft.frozen(model_of(made)).links)),
        )
        assert still[1] == {"/predictor/bn1", "/predictor/conv1"}
        assert still[3] == {"/predictor/conv1"}
        assert still[4] == set()

    def test_modes_are_those_of_the_phase(self, tmp_path: Path) -> None:
        counts: dict[int, Any] = {}

        def note(iteration: int, made: training.Trainer) -> None:
            counts[iteration] = model_of(made).predictor.bn1.avg_mean.tobytes()

        phases = [
            ft.Phase("2 iterations", freeze=BODY),
            ft.Phase("2 iterations", freeze=BODY, statistics="train"),
        ]
        run(tmp_path, phases, seen=note)
        assert counts[1] == counts[2] != counts[3] != counts[4]

    def test_paths_begin_at_the_part_that_is_given(self, tmp_path: Path) -> None:
        phases = [ft.Phase("2 iterations", freeze=ft.all_but("/fc")), ft.Phase("1 iteration")]
        made = run(tmp_path, phases, model=lambda made: model_of(made).predictor)
        assert made.updater.iteration == 3 and not ft.frozen(model_of(made))

    def test_a_part_of_another_model_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ScheduleError, match=r"Linear .* is not in the optimizer's target"):
            run(tmp_path, [ft.Phase("1 iteration")], model=lambda made: L.Linear(2, 2))


class TestEnd:
    def test_the_last_phase_ends_the_training(self, tmp_path: Path) -> None:
        made = run(tmp_path, [ft.Phase("1 epoch"), ft.Phase("2 iterations")])
        assert made.updater.iteration == 7

    def test_without_an_end_the_trainer_decides(self, tmp_path: Path) -> None:
        assert run(tmp_path, [ft.Phase("1 epoch"), ft.Phase()]).updater.iteration == 12

    def test_the_log_has_the_phase(self, tmp_path: Path) -> None:
        made = run(tmp_path, [ft.Phase("2 iterations"), ft.Phase("1 iteration")])
        assert [entry["phase"] for entry in made.get_extension("LogReport").log] == [1, 1, 2]


class Reported:
    """Reports values one after the other, and notes the weights."""

    default_name = "reported"
    trigger = (1, "iteration")
    priority = 100

    def __init__(self, values: list[float]) -> None:
        self.values, self.weights = values, []

    def __call__(self, made: training.Trainer) -> None:
        chainer.report({"metric": self.values[made.updater.iteration - 1]})
        self.weights.append(arrays(model_of(made)))


def until(**options: Any) -> ft.EarlyStopping:
    return ft.EarlyStopping("metric", 2, check="1 iteration", **options)


class TestMetric:
    def test_the_best_weights_come_back(self, tmp_path: Path) -> None:
        metric = Reported([5, 3, 1, 2, 4, 0])
        made = run(tmp_path, [ft.Phase(until=until(), freeze="/predictor/conv1")], extras=[metric])
        assert made.updater.iteration == 5
        assert moved(metric.weights[2], model_of(made)) == set()
        assert moved(metric.weights[4], model_of(made))

    def test_they_stay_where_they_are_if_asked_to(self, tmp_path: Path) -> None:
        metric = Reported([5, 3, 1, 2, 4, 0])
        made = run(tmp_path, [ft.Phase(until=until(restore_best=False))], extras=[metric])
        assert moved(metric.weights[4], model_of(made)) == set()

    def test_the_next_phase_begins_with_them(self, tmp_path: Path) -> None:
        metric = Reported([1, 2, 3, 0, 0])
        starts = {}
        run(
            tmp_path,
            [ft.Phase(until=until()), ft.Phase("1 iteration", freeze=BODY)],
            extras=[metric],
            seen=lambda i, made: starts.setdefault(i, arrays(model_of(made))),
        )
        for path, array in metric.weights[0].items():
            assert (array == starts[3][path]).all(), path
            assert path.startswith(HEAD) or (array == starts[4][path]).all(), path

    def test_a_length_is_the_most_it_lasts(self, tmp_path: Path) -> None:
        metric = Reported([5, 3, 4, 1, 0])
        made = run(tmp_path, [ft.Phase("3 iterations", until=until())], extras=[metric])
        assert made.updater.iteration == 3
        assert moved(metric.weights[1], model_of(made)) == set()

    def test_the_trainers_own_end_brings_them_back_too(self, tmp_path: Path) -> None:
        metric = Reported([5, 3, 4])
        made = run(tmp_path, [ft.Phase(until=until())], extras=[metric], length=3)
        assert made.updater.iteration == 3
        assert moved(metric.weights[1], model_of(made)) == set()

    def test_optimizer_state_stays_with_what_stays_live(self, tmp_path: Path) -> None:
        metric = Reported([1, 2, 3, 0])
        made = run(tmp_path, [ft.Phase(until=until()), ft.Phase("1 iteration")], extras=[metric])
        assert model_of(made).predictor.fc.W.update_rule.t == 4

    def test_a_metric_that_nobody_reports_is_named_with_the_nearest(self, tmp_path: Path) -> None:
        wrong = ft.EarlyStopping("main/los", check="2 iterations")
        told = pytest.raises(ScheduleError, match=r"'phase 1' waits for 'main/los', .*: main/loss")
        with told:
            run(tmp_path, [ft.Phase(until=wrong)])

    def test_a_check_waits_for_a_value(self, tmp_path: Path) -> None:
        """The metric comes every second iteration, and a check is due in each."""

        class Sometimes(Reported):
            trigger = (2, "iteration")

        rule = ft.EarlyStopping("metric", 1, check="2 iterations")
        made = run(tmp_path, [ft.Phase(until=rule)], extras=[Sometimes([9, 5, 9, 4, 9, 6, 9, 9])])
        assert made.updater.iteration == 6


class TestBefore:
    def test_a_phase_that_is_never_reached(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        phases = [ft.Phase("3 epochs"), ft.Phase("1 epoch", name="late")]
        with pytest.raises(ScheduleError, match=r"'late' is never reached: .* 15 iterations"):
            run(tmp_path, phases)
        run(tmp_path / "2", phases, strict=False)
        assert "phase 'late' is never reached" in caplog.text

    def test_the_rest_is_a_warning(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        conv1, lower = "/predictor/conv1", ["/predictor/conv1", "/predictor/bn1"]
        phases = [ft.Phase("1 iteration", freeze=lower, lr=0.01), ft.Phase("1 iteration", conv1)]
        run(tmp_path, phases)
        assert "never trained in any phase: /predictor/conv1/W" in caplog.text
        assert "rises to 100 times" in caplog.text

    def test_a_selection_that_hits_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(ScheduleError, match="phase 'phase 1': '/predictor/fc8' hits nothing"):
            run(tmp_path, [ft.Phase("1 iteration", freeze="/predictor/fc8")])

    def test_a_phase_that_freezes_everything(self, tmp_path: Path) -> None:
        def prepare(model: Any) -> None:
            ft.freeze(model, HEAD)

        phases = [ft.Phase("1 iteration"), ft.Phase("1 iteration", freeze=BODY, name="none")]
        with pytest.raises(ScheduleError, match="phase 'none' freezes all"):
            run(tmp_path, phases, prepare=prepare)

    def test_multipliers_of_another_extension(self, tmp_path: Path) -> None:
        other = ft.extensions.LearningRates({HEAD: 10})
        with pytest.raises(ScheduleError, match="'LearningRates' sets the learning rates, and so"):
            run(tmp_path, [ft.Phase("1 iteration")], extras=[other])

    def test_a_file_is_as_good_as_an_object(self, tmp_path: Path) -> None:
        (tmp_path / "s.yaml").write_text(ft.Schedule.fine_tune().to_yaml())
        assert ft.extensions.Schedule(tmp_path / "s.yaml").schedule == ft.Schedule.fine_tune()

    def test_rules_that_contradict(self, tmp_path: Path) -> None:
        with pytest.raises(ScheduleError, match=r"phase 'phase 1': /predictor/fc/W: .* gives it"):
            run(tmp_path, [ft.Phase("1 iteration", lr={"/**": 0.1, HEAD: 1})])


class TestProof:
    @pytest.mark.parametrize("iteration", [2, 4])
    def test_a_changed_bit_is_found(self, tmp_path: Path, iteration: int) -> None:
        """At the switch and at the end."""

        def spoil(i: int, made: training.Trainer) -> None:
            if i == iteration:
                model_of(made).predictor.conv1.b.array[0] += 1

        phases = [ft.Phase("3 iterations", freeze=BODY), ft.Phase("2 iterations", freeze=BODY)]
        with pytest.raises(FrozenChangedError, match="/predictor/conv1/b"):
            run(tmp_path, phases, seen=spoil)


class SeveralBatches(training.StandardUpdater):  # type: ignore[misc]
    """Takes seven batches at a time, as updaters of GANs do; five make an epoch."""

    def update_core(self) -> None:
        optimizer, batches = self.get_optimizer("main"), self.get_iterator("main")
        for _ in range(7):
            optimizer.update(optimizer.target, *self.converter(next(batches)))


@pytest.mark.parametrize("at", [1, 2, 3, 6])
def test_a_phase_ends_with_an_epoch_that_ended_in_the_middle_of_an_update(
    at: int, tmp_path: Path
) -> None:
    drift = [ft.extensions.WeightDrift(filename=None) for _ in range(2)]
    phases = [ft.Phase("1 epoch", freeze=BODY), ft.Phase("3 epochs"), ft.Phase(lr=0.1)]

    def made(length: int) -> training.Trainer:
        def extend(made: training.Trainer) -> None:
            made.extend(ft.extensions.Schedule(ft.Schedule(phases)))
            made.extend(drift.pop())

        return trainer(tmp_path, length, extend, updater=SeveralBatches)

    whole = made(8)
    expected = result(whole)
    assert [entry["phase"] for entry in expected[1]] == [1, 2, 2, 3, 3, 3, 3, 3]
    resumed = made(8)
    chainer.serializers.load_npz(tmp_path / f"at_{at}", resumed)
    assert_equal(result(resumed), expected)
    ours, theirs = (one.get_extension("WeightDrift").history for one in (resumed, whole))
    assert ours == theirs and len(ours) == 8


def test_what_is_frozen_again_after_it_trained_at_a_rate_of_its_own(tmp_path: Path) -> None:
    conv = "/predictor/conv1"
    phases = [ft.Phase("3 iterations", freeze=conv), ft.Phase("3 iterations", lr={conv: 0.5})]
    made = run(tmp_path, [*phases, ft.Phase("3 iterations", freeze=[conv]), ft.Phase(lr=0.1)])
    assert made.updater.iteration == 12
