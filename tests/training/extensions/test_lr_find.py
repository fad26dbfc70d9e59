"""The range test as an extension: when it runs and what it leaves in the folder."""

from __future__ import annotations

import json
from pathlib import Path

import chainer
import pytest
import training_runs as runs

import chainer_ft as ft
from chainer_ft.errors import UsageError


def test_before_the_first_iteration_it_writes_and_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = runs.watched(runs.updater(), tmp_path, 2)
    extension = ft.extensions.LRFind(steps=20, groups={"head": "/predictor/fc"})
    made.extend(extension)
    made.run()
    assert extension.found is not None
    assert capsys.readouterr().out == f"{extension.found}\n"
    assert (tmp_path / "lr_find.png").read_bytes().startswith(b"\x89PNG")
    data = json.loads((tmp_path / "lr_find.json").read_text(encoding="utf-8"))
    assert set(data["curves"]) == {"all", "head"}


def test_with_a_trigger_it_runs_then_only(tmp_path: Path) -> None:
    seen = []

    class Watched(ft.extensions.LRFind):  # type: ignore[misc, name-defined]
        def __call__(self, trainer: chainer.training.Trainer) -> None:
            super().__call__(trainer)
            seen.append(trainer.updater.iteration)

    made = runs.watched(runs.updater(), tmp_path, 6)
    made.extend(Watched(trigger=(2, "iteration"), steps=3, filename=None))
    made.run()
    assert seen == [2, 4, 6]
    assert not (tmp_path / "lr_find.png").exists()


def test_a_resumed_run_does_not_begin_with_it(tmp_path: Path) -> None:
    first = runs.watched(runs.updater(), tmp_path, 3)
    first.run()
    chainer.serializers.save_npz(tmp_path / "snapshot.npz", first)
    second = runs.watched(runs.updater(), tmp_path, 4)
    extension = ft.extensions.LRFind(steps=3, filename=None)
    second.extend(extension)
    chainer.serializers.load_npz(tmp_path / "snapshot.npz", second)
    second.run()
    assert extension.found is None


def test_nor_does_one_that_loads_its_snapshot_itself(tmp_path: Path) -> None:
    def run(iterations: int) -> ft.extensions.LRFind:
        made = runs.watched(runs.updater(), tmp_path, iterations)
        made.extend(ft.extensions.LRFind(steps=3, filename=None))
        made.extend(chainer.training.extensions.snapshot(autoload=True), trigger=(1, "iteration"))
        made.run()
        found: ft.extensions.LRFind = made.get_extension("LRFind")
        return found

    assert run(2).found is not None and run(4).found is None


def test_it_sees_the_freeze_and_the_rates_of_other_extensions(tmp_path: Path) -> None:
    made = runs.watched(runs.updater(), tmp_path, 1)
    made.extend(ft.extensions.LRFind(steps=3, filename=None, groups={"body": "/predictor/conv1"}))
    made.extend(ft.extensions.Freeze("/predictor/conv1"))
    with pytest.raises(UsageError, match="nothing in '/predictor/conv1' trains"):
        made.run(show_loop_exception_msg=False)


def test_a_schedule_with_it_is_the_schedule_without(tmp_path: Path) -> None:
    def run(*extensions: ft.extensions.LRFind) -> chainer.training.Trainer:
        made = runs.watched(runs.updater(), tmp_path, 12)
        phases = [ft.Phase("4 iterations", freeze="/predictor/*1"), ft.Phase("8 iterations")]
        made.extend(ft.extensions.Schedule(ft.Schedule(phases)))
        for extension in extensions:
            made.extend(extension)
        made.run()
        return made

    plain = run()
    often = ft.extensions.LRFind(trigger=(2, "iteration"), steps=4, filename=None)
    other = run(ft.extensions.LRFind(steps=6, filename=None), often)
    assert runs.fingerprint(other.updater) == runs.fingerprint(plain.updater)
    assert runs.log(other) == runs.log(plain)


def test_an_unknown_option_is_told_at_once() -> None:
    with pytest.raises(UsageError, match="no option 'step'; it has start, stop, steps"):
        ft.extensions.LRFind(step=3)
