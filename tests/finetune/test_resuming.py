"""A run that was stopped anyhow goes on, and ends as if it had not been."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chainer.training import make_extension
from PIL import Image
from small_runs import OPTIONS, assert_same, make_files, tune

import chainer_ft as ft
from chainer_ft.errors import FormatError
from chainer_ft.finetune.api import go_on
from chainer_ft.finetune.folder import RunFolder
from chainer_ft.finetune.keeping import Interrupted
from chainer_ft.images.pool import Prepared, WorkerError

#: 3 epochs of 72 images, 20 a batch; then the frozen baseline.
ITERATIONS = 11


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    make_files(folder)
    tune(folder, "whole", baselines=["frozen"])
    return folder


class CrashError(Exception):
    """What a power cut is like."""


def at(iteration: int, act: Callable[[Any], None]) -> Callable[[Any], None]:
    """Something that happens in an iteration, before its snapshot."""

    def extend(trainer: Any) -> None:
        @make_extension(trigger=(1, "iteration"), priority=-99)
        def happen(trainer: Any) -> None:
            if trainer.updater.iteration == iteration:
                act(trainer)

        trainer.extend(happen, name="happen")

    return extend


def crash(trainer: Any) -> None:
    raise CrashError


def ended(folder: Path, name: str) -> None:
    """Go on to the end, and compare with the unbroken run."""
    tune(folder, name, resume=True)
    assert_same(folder / "whole", folder / name)
    assert_same(folder / "whole" / "frozen", folder / name / "frozen")


@pytest.mark.parametrize("iteration", [1, 4, 5, 8, 10, 11])
def test_a_crash_in_an_epoch(place: Path, iteration: int) -> None:
    name = f"crash{iteration}"
    with pytest.raises(CrashError):
        tune(place, name, baselines=["frozen"], extend=at(iteration, crash))
    ended(place, name)


def test_a_crash_after_the_rate_was_found(place: Path) -> None:
    tune(place, "found", lr="find")
    with pytest.raises(CrashError):
        tune(place, "found_again", lr="find", extend=at(1, crash))
    assert (place / "found_again" / "lr.txt").exists()
    tune(place, "found_again", resume=True)
    assert_same(place / "found", place / "found_again")


def test_crash_after_crash_with_a_snapshot_each_iteration(place: Path) -> None:
    draw = random.Random(7)
    with pytest.raises(CrashError):
        tune(place, "often", baselines=["frozen"], extend=at(1, crash))
    folder = RunFolder(place / "often")
    for iteration in sorted(draw.sample(range(2, ITERATIONS + 1), 5)):
        with pytest.raises(CrashError):
            model = folder.settings().model
            go_on(folder, model, extend=at(iteration, crash), every=1)
    ended(place, "often")


def test_ctrl_c_ends_the_iteration_and_leaves_a_snapshot(place: Path) -> None:
    press = at(6, lambda trainer: signal.raise_signal(signal.SIGINT))
    with pytest.raises(Interrupted, match="stopped after 6 iterations"):
        tune(place, "pressed", baselines=["frozen"], extend=press)
    assert (place / "pressed" / "snapshot").exists()
    ended(place, "pressed")


def test_a_second_ctrl_c_does_not_wait(place: Path) -> None:
    def twice(trainer: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        tune(place, "twice", baselines=["frozen"], extend=at(6, twice))
    ended(place, "twice")


def test_a_full_disk_leaves_the_snapshot_before(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chainer_ft.finetune import keeping

    plain, written = keeping.save_npz, []

    def full(path: str, *given: Any, **options: Any) -> None:
        written.append(path)
        if len(written) == 2:
            Path(path).write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(path, *given, **options)

    monkeypatch.setattr(keeping, "save_npz", full)
    with pytest.raises(FormatError, match="snapshot: cannot be written: No space left"):
        tune(place, "full", baselines=["frozen"])
    assert sorted(path.name for path in (place / "full").glob("*snapshot*")) == ["snapshot"]
    monkeypatch.undo()
    ended(place, "full")


def test_a_killed_worker_is_told_and_costs_nothing(place: Path) -> None:
    def kill(trainer: Any) -> None:
        trainer.updater.get_iterator("main")._pool._workers[0].process.kill()

    with pytest.raises(WorkerError, match="killed by SIGKILL"):
        tune(place, "worker", workers=1, baselines=["frozen"], extend=at(5, kill))
    ended(place, "worker")


def test_a_worker_that_is_killed_while_features_are_computed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Prepared):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self._pool._workers[0].process.kill()

    with monkeypatch.context() as patch:
        patch.setattr("chainer_ft.finetune.examples._EACH", 1)
        patch.setattr("chainer_ft.images.dataset.Prepared", Killed)
        with pytest.raises(WorkerError, match="killed by SIGKILL"):
            tune(place, "features", workers=1, baselines=["frozen"])
    ended(place, "features")


def test_no_room_for_features_is_told_and_changes_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(handle: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("chainer_ft.finetune.cache.allocate", full)
    tune(place, "no_room", baselines=["frozen"])
    warned = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert any("no cached features in training" in said and "No space" in said for said in warned)
    ended(place, "no_room")


def test_a_damaged_snapshot_is_told(place: Path) -> None:
    with pytest.raises(CrashError):
        tune(place, "damaged", extend=at(5, crash))
    (place / "damaged" / "snapshot").write_bytes(b"PK\x03\x04 half of it")
    with pytest.raises(FormatError, match="is no snapshot of this run"):
        tune(place, "damaged", resume=True)


@pytest.mark.slow
def test_kill_9_at_random_moments(place: Path) -> None:
    first = command(
        *("train", "photos.npz", "--model", "net.py:Net", "--weights", "old.npz"),
        *("--out", "killed", "--epochs", "3", "--lr", "0.01", "--batch-size", "20", "--seed", "4"),
        *("--workers", "0", "--size", "8x8", "--baseline", "frozen", "--snapshot-every", "1"),
    )
    draw = random.Random(1)
    kill(first, place, draw.uniform(0.0, 0.2))
    again = command("train", "--resume", "killed", "--snapshot-every", "1")
    for _ in range(3):
        kill(again, place, draw.uniform(0.0, 0.2))
    done = subprocess.run(again, cwd=place, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert_same(place / "whole", place / "killed")
    assert_same(place / "whole" / "frozen", place / "killed" / "frozen")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "chainer_ft", *arguments]


def kill(arguments: list[str], folder: Path, delay: float) -> None:
    """Start, wait until there is a new snapshot, wait a moment more, kill."""
    snapshot = folder / "killed" / "snapshot"
    before = snapshot.stat().st_mtime_ns if snapshot.exists() else 0
    process = subprocess.Popen(arguments, cwd=folder, stdout=subprocess.DEVNULL)
    limit = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < limit:
        if snapshot.exists() and snapshot.stat().st_mtime_ns != before:
            time.sleep(delay)
            break
        time.sleep(0.005)
    process.kill()
    process.wait()


def test_other_images_than_the_run_began_with_are_refused(place: Path) -> None:
    """Of as many, in as many classes: one folder has another name."""
    with np.load(place / "photos.npz") as held:
        for number, (pixels, label) in enumerate(zip(held["x"], held["y"], strict=True)):
            (place / "folders" / str(label)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place / "folders" / str(label) / f"{number}.png")
    given = {"data": place / "folders", "out": place / "moved", "model": f"{place}/net.py:Net"}
    with pytest.raises(CrashError):
        ft.fine_tune(weights=None, **given, **OPTIONS, extend=at(5, crash))
    (place / "folders" / "2").rename(place / "folders" / "dog")
    with pytest.raises(FormatError, match="are not those that the run began with"):
        ft.fine_tune(weights=None, **given, resume=True)
    (place / "folders" / "dog").rename(place / "folders" / "2")
    ft.fine_tune(weights=None, **given, resume=True)


def test_a_snapshot_of_another_run_is_refused(place: Path) -> None:
    for name, seed in (("mine", 0), ("other", 1)):
        with pytest.raises(CrashError):
            tune(place, name, seed=seed, extend=at(5, crash))
    shutil.copy(place / "other" / "snapshot", place / "mine" / "snapshot")
    with pytest.raises(FormatError, match="taken by a run with other settings"):
        tune(place, "mine", resume=True)
