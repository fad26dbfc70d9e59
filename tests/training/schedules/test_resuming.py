"""A snapshot of one schedule, and the same or another one in the script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from schedule_runs import arrays, make_trainer
from training_nets import OPTIMIZERS

import chainer_ft as ft
from chainer_ft.training.resume import ResumeError

CONV, FC = "/predictor/conv", "/predictor/fc"
HEAD = ft.Phase("1 epoch", freeze="all_but(/predictor/fc)", name="head")
MIDDLE = ft.Phase("1 epoch", freeze=CONV, lr=0.5, name="middle")
ALL = ft.Phase("4 iterations", lr={CONV: 0.1}, name="all")


def target(made: chainer.training.Trainer) -> Any:
    return made.updater.get_optimizer("main").target


def schedule_of(made: chainer.training.Trainer) -> Any:
    return made.get_extension("Schedule")


def run(out: Path, *phases: ft.Phase, **options: Any) -> chainer.training.Trainer:
    made = make_trainer(out, ft.Schedule(phases), **options)
    made.run()
    return made


def resumed(
    out: Path, iteration: int, *phases: ft.Phase, **options: Any
) -> chainer.training.Trainer:
    """A trainer with a snapshot loaded, not run yet."""
    made = make_trainer(out, ft.Schedule(phases), **options)
    chainer.serializers.load_npz(str(out / f"snapshot_iter_{iteration}"), made)
    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Snapshots every third iteration; phases change behind 7 and 13, the end is behind 17."""
    assert run(tmp_path, HEAD, MIDDLE, ALL).updater.iteration == 17
    return tmp_path


class TestTheSame:
    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_it_goes_on_as_if_nothing_had_been(self, tmp_path: Path, name: str) -> None:
        make = OPTIMIZERS[name]
        unbroken = dict(arrays(run(tmp_path, HEAD, MIDDLE, ALL, optimizer=make())))
        for iteration in (3, 9, 15):
            made = resumed(tmp_path, iteration, HEAD, MIDDLE, ALL, optimizer=make())
            made.run()
            again = dict(arrays(made))
            assert again.keys() == unbroken.keys()
            for path, array in unbroken.items():
                assert array.tobytes() == again[path].tobytes(), (iteration, path)

    def test_a_snapshot_of_the_iteration_of_a_switch_is_in_the_new_phase(
        self, tmp_path: Path
    ) -> None:
        unbroken = dict(arrays(run(tmp_path, HEAD, MIDDLE, ALL, every=7)))
        made = resumed(tmp_path, 7, HEAD, MIDDLE, ALL, every=7)
        assert schedule_of(made).phase.name == "middle"
        rules = {path: param.update_rule.t for path, param in target(made).namedparams()}
        assert rules["/predictor/mid/W"] == 0 and rules["/predictor/fc/W"] == 7
        made.run()
        for path, array in arrays(made):
            assert array.tobytes() == unbroken[path].tobytes(), path

    def test_the_best_weights_are_in_the_snapshot(self, tmp_path: Path) -> None:
        made = make_trainer(tmp_path)
        made.run()
        snapshot = np.load(tmp_path / "snapshot_iter_30")
        kept = [path for path in snapshot.files if "/best/" in path]
        assert "extensions/Schedule/best/predictor/fc/W" in kept
        assert "extensions/Schedule/best/predictor/bn/avg_mean" in kept
        assert not any("conv" in path for path in kept)  # frozen, and so in the model already
        best = np.load(tmp_path / "snapshot_iter_21")["updater/model:main/predictor/fc/W"]
        assert snapshot["extensions/Schedule/best/predictor/fc/W"].shape == best.shape

    def test_a_run_that_was_over_stays_over(self, tmp_path: Path) -> None:
        run(tmp_path, HEAD, every=7)
        made = resumed(tmp_path, 7, HEAD, every=7)
        made.run()
        assert made.updater.iteration == 7

    @pytest.mark.parametrize("first", ["Freeze", "Schedule"])
    @pytest.mark.parametrize("iteration", [6, 9, 12, 15])
    def test_beside_an_extension_that_freezes(
        self, tmp_path: Path, first: str, iteration: int
    ) -> None:
        def made(out: Path) -> chainer.training.Trainer:
            new = make_trainer(out, ft.Schedule([HEAD, MIDDLE, ALL]))
            freeze = ft.extensions.Freeze("/predictor/bn", until=(10, "iteration"))
            own = new._extensions.pop("Schedule").extension
            for extension in (freeze, own) if first == "Freeze" else (own, freeze):
                new.extend(extension)
            return new

        unbroken = made(tmp_path)
        unbroken.run()
        again = made(tmp_path / "again")
        chainer.serializers.load_npz(str(tmp_path / f"snapshot_iter_{iteration}"), again)
        again.run()
        end = dict(arrays(again))
        for path, array in arrays(unbroken):
            assert array.tobytes() == end[path].tobytes(), path

    def test_a_snapshot_may_be_hdf5(self, tmp_path: Path) -> None:
        """Stock Chainer writes no text into HDF5, and LogReport has some."""
        unbroken = dict(np.load(self._run(tmp_path) / "snapshot_iter_30"))
        made = self._without_log(tmp_path)
        chainer.serializers.load_npz(str(tmp_path / "snapshot_iter_27"), made)
        made._start_at = 0.0  # a trainer that never ran has no clock to save
        chainer.serializers.save_hdf5(str(tmp_path / "s.h5"), made)
        again = self._without_log(tmp_path / "again")
        chainer.serializers.load_hdf5(str(tmp_path / "s.h5"), again)
        again.run()
        end = np.load(tmp_path / "again" / "snapshot_iter_30")
        for path in unbroken:
            if "elapsed_time" not in path:
                assert unbroken[path].tobytes() == end[path].tobytes(), path

    def _run(self, out: Path) -> Path:
        self._without_log(out).run()
        return out

    @staticmethod
    def _without_log(out: Path) -> chainer.training.Trainer:
        made = make_trainer(out)
        del made._extensions["LogReport"]
        return made


class TestAnother:
    def test_what_is_still_to_come_may_change_and_it_is_said(
        self, out: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        longer = ft.Phase("2 epochs", freeze=CONV, lr=0.5, name="middle")
        made = resumed(out, 9, HEAD, longer, ft.Phase("1 iteration", name="end"))
        assert "phase 'middle': length was 1 epoch, is 2 epochs" in caplog.text
        assert "phase 'all': length was 4 iterations, is 1 iteration" in caplog.text
        made.run()
        assert made.updater.iteration == 21

    def test_a_phase_that_is_over_by_the_new_length_ends_in_the_next_iteration(
        self, tmp_path: Path
    ) -> None:
        run(tmp_path, ft.Phase("3 epochs", name="long"), ALL)
        made = resumed(tmp_path, 9, ft.Phase("1 epoch", name="long"), ALL)
        made.run()
        assert made.updater.iteration == 9 + 1 + 4

    @pytest.mark.parametrize(
        ("phases", "told"),
        [
            ([ft.Phase("2 epochs", freeze=HEAD.freeze, name="head"), MIDDLE, ALL], "length was 1"),
            ([HEAD, ft.Phase("1 epoch", lr=0.5, name="middle"), ALL], "freeze was /predictor/conv"),
            ([HEAD, ft.Phase("1 epoch", freeze=CONV, name="middle"), ALL], "lr was 0.5, is not"),
            ([HEAD], "there is no phase 'middle', in which it was taken"),
        ],
    )
    def test_what_was_or_is_otherwise_is_an_error(
        self, out: Path, phases: list[ft.Phase], told: str
    ) -> None:
        with pytest.raises(ResumeError, match=told) as caught:
            resumed(out, 9, *phases)
        assert "resume_with('snapshot')" in str(caught.value)

    def test_with_the_snapshots_the_running_phase_stays_as_it_is(
        self, out: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        other = ft.Phase("1 epoch", freeze="/predictor/mid", name="middle")
        with ft.resume_with("snapshot"):
            made = resumed(out, 9, HEAD, other, ALL)
        assert "freeze was /predictor/conv, is /predictor/mid" in caplog.text
        assert ft.frozen(target(made)).links == (CONV,)
        made.run()
        assert made.updater.iteration == 17

    def test_with_the_scripts_the_running_phase_is_made_as_it_is_now(
        self, out: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        other = ft.Phase("1 epoch", freeze="/predictor/mid", name="middle")
        with ft.resume_with("script"):
            made = resumed(out, 9, HEAD, other, ALL)
        assert "resumed with another schedule" in caplog.text
        assert ft.frozen(target(made)).links == ("/predictor/mid",)
        rules = {path: param.update_rule for path, param in target(made).namedparams()}
        assert rules["/predictor/conv/W"].t == 0 and rules["/predictor/fc/W"].t == 9
        made.run()
        assert made.updater.iteration == 17

    def test_the_scripts_with_the_same_schedule_changes_nothing(self, out: Path) -> None:
        unbroken = dict(np.load(out / "snapshot_iter_15"))
        with ft.resume_with("script"):
            made = resumed(out, 9, HEAD, MIDDLE, ALL)
        made.run()
        again = dict(np.load(out / "snapshot_iter_15"))
        for path in unbroken:
            if path.startswith("updater/"):
                assert unbroken[path].tobytes() == again[path].tobytes(), path

    def test_a_finished_schedule_goes_on_with_a_phase_that_is_new(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        run(tmp_path, HEAD, every=7)
        made = resumed(tmp_path, 7, HEAD, MIDDLE, every=7)
        assert "phase 'middle' is new" in caplog.text
        assert schedule_of(made).phase.name == "middle"
        made.run()
        assert made.updater.iteration == 13

    def test_a_selection_that_hits_other_parameters_now(self, tmp_path: Path) -> None:
        names = [CONV]

        def chosen(path: str, link: Any) -> bool:
            return path in names

        phase = ft.Phase("1 epoch", freeze=chosen)
        run(tmp_path, phase)
        names[0] = "/predictor/mid"
        with pytest.raises(ResumeError, match="selections of phase 'phase 1' hit other parameters"):
            resumed(tmp_path, 3, phase)


class TestTheScriptsOwn:
    @pytest.mark.parametrize("autoload", [False, True])
    @pytest.mark.parametrize(
        ("then", "now", "told"),
        [
            (None, "/predictor/bn", "frozen"),
            ("/predictor/bn", None, "/predictor/bn/gamma, /predictor/bn/beta frozen; it has nothi"),
        ],
    )
    def test_another_freeze_by_hand_is_an_error(
        self, tmp_path: Path, then: str | None, now: str | None, told: str, autoload: bool
    ) -> None:
        self._made(tmp_path, then).run()
        with pytest.raises(ResumeError, match=told):
            made = self._made(tmp_path, now, autoload=autoload)
            if autoload:
                made.run()
            chainer.serializers.load_npz(str(tmp_path / "snapshot_iter_9"), made)

    def test_other_multipliers_by_hand_are_an_error(self, tmp_path: Path) -> None:
        first = make_trainer(tmp_path, ft.Schedule([HEAD, MIDDLE, ALL]))
        ft.learning_rates(target(first), {FC: 10})
        first.run()
        again = make_trainer(tmp_path, ft.Schedule([HEAD, MIDDLE, ALL]))
        ft.learning_rates(target(again), {FC: 5})
        with pytest.raises(ResumeError, match=r"had .*x10 of /predictor/fc/W.*; it has .*x5 of"):
            chainer.serializers.load_npz(str(tmp_path / "snapshot_iter_9"), again)

    @staticmethod
    def _made(out: Path, frozen: str | None, **options: Any) -> chainer.training.Trainer:
        made = make_trainer(out, ft.Schedule([HEAD, MIDDLE, ALL]), **options)
        if frozen is not None:
            ft.freeze(target(made), frozen)
        return made


class TestWithout:
    def test_a_snapshot_that_knows_no_schedule_begins_it_and_says_so(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        plain = make_trainer(tmp_path, epochs=1)
        del plain._extensions["Schedule"]
        plain.run()
        made = resumed(tmp_path, 6, HEAD, MIDDLE, ALL)
        assert "knows no schedule; phase 'head' begins at iteration 6, epoch 0.9375" in caplog.text
        made.run()
        assert made.updater.iteration == 6 + 7 + 7 + 4

    def test_so_it_does_where_the_snapshot_loads_itself(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        plain = make_trainer(tmp_path, epochs=1)
        del plain._extensions["Schedule"]
        plain.run()
        made = run(tmp_path, HEAD, MIDDLE, ALL, autoload=True)
        assert "knows no schedule" in caplog.text
        assert made.updater.iteration == 6 + 7 + 7 + 4
        assert not ft.frozen(target(made))

    def test_a_script_without_it_is_told(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        run(tmp_path, HEAD, ft.Phase("1 epoch"))
        plain = make_trainer(tmp_path)
        del plain._extensions["Schedule"]
        chainer.serializers.load_npz(str(tmp_path / "snapshot_iter_9"), plain)
        assert "taken with the extension Schedule, which the script lacks" in caplog.text

    def test_what_it_froze_is_an_error_then(self, out: Path) -> None:
        plain = make_trainer(out)
        del plain._extensions["Schedule"]
        with pytest.raises(ResumeError, match="/predictor/conv/W, /predictor/conv/b frozen"):
            chainer.serializers.load_npz(str(out / "snapshot_iter_9"), plain)
