"""Batches are the same with any number of workers, and after a resume; who dies is named."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import serializers
from hypothesis import given, settings
from hypothesis import strategies as st

import chainer_ft as ft
from chainer_ft.errors import FormatError, RefusedError, UsageError
from chainer_ft.images import Augmentation, Batches, Dataset, Preprocessing, find, pool
from chainer_ft.images.pool import WorkerError

SMALL = Preprocessing((8, 8))
Maker = Callable[..., Batches]


@pytest.fixture
def data(folder: Path) -> Dataset:
    """Sixteen images, augmented."""
    return Dataset(find(folder), "train", SMALL, Augmentation(), seed=5)


@pytest.fixture
def make(data: Dataset) -> Iterator[Maker]:
    """Makes iterators, and ends their processes."""
    made: list[Batches] = []

    def build(batch_size: int = 6, dataset: Dataset = data, **options: object) -> Batches:
        made.append(Batches(dataset, batch_size, **options))
        return made[-1]

    yield build
    for one in made:
        one.finalize()


def taken(batches: Batches, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [chainer.dataset.concat_examples(next(batches)) for _ in range(count)]


def assert_same(
    ours: list[tuple[np.ndarray, np.ndarray]], theirs: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    for (x, t), (other_x, other_t) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(t, other_t)


class TestOrder:
    @settings(max_examples=20, deadline=None)
    @given(size=st.integers(1, 40), seed=st.integers(0, 3))
    def test_each_epoch_has_every_image_once_in_an_order_of_its_own(
        self, tmp_path_factory: pytest.TempPathFactory, size: int, seed: int
    ) -> None:
        file = tmp_path_factory.mktemp("data") / "a.npz"
        np.savez(file, x=np.arange(48, dtype=np.uint8).reshape(48, 1, 1), y=np.arange(48) % 2)
        data = Dataset(find(file, val=0), "train", Preprocessing((1, 1), "L", scale=1))
        batches = Batches(data, size, seed=seed, workers=0)
        seen = [int(x[0, 0, 0]) for _ in range(-(-3 * 48 // size)) for x, _ in next(batches)]
        epochs = [seen[n * 48 : n * 48 + 48] for n in range(3)]
        assert [sorted(epoch) for epoch in epochs] == [list(range(48))] * 3
        assert epochs[0] != epochs[1] != epochs[2]


class TestProtocol:
    @settings(max_examples=30, deadline=None)
    @given(size=st.integers(1, 40), repeat=st.booleans(), steps=st.integers(1, 12))
    def test_counts_epochs_as_serial_iterator_does(
        self, tmp_path_factory: pytest.TempPathFactory, size: int, repeat: bool, steps: int
    ) -> None:
        file = tmp_path_factory.mktemp("data") / "a.npz"
        np.savez(file, x=np.zeros((16, 4, 4), np.uint8), y=np.arange(16) % 2)
        data = Dataset(find(file, val=0), "train", SMALL)
        own = Batches(data, size, repeat=repeat, shuffle=False, workers=0)
        plain = chainer.iterators.SerialIterator(range(16), size, repeat=repeat, shuffle=False)
        for _ in range(steps):
            ours, theirs = next(own, None), next(plain, None)
            assert (ours is None) == (theirs is None)
            if ours is None or theirs is None:
                return
            assert [int(t) for _, t in ours] == [n % 2 for n in theirs]
            for name in ("epoch", "is_new_epoch", "epoch_detail", "previous_epoch_detail"):
                assert getattr(own, name) == getattr(plain, name), name

    @pytest.mark.parametrize("workers", [0, 2])
    def test_one_epoch_and_again_after_a_reset(self, make: Maker, workers: int) -> None:
        batches = make(repeat=False, shuffle=False, workers=workers)
        first = list(batches)
        assert [len(batch) for batch in first] == [6, 6, 4]
        assert list(batches) == []
        batches.reset()
        for ours, theirs in zip(first, list(batches), strict=True):
            np.testing.assert_array_equal(ours[0][0], theirs[0][0])

    def test_a_reset_in_the_middle(self, make: Maker) -> None:
        batches = make(workers=2)
        before = taken(batches, 2)
        batches.reset()
        assert_same(taken(batches, 2), before)

    def test_evaluator_takes_it(self, make: Maker, data: Dataset) -> None:
        model = chainer.links.Classifier(chainer.links.Linear(None, 2))
        evaluator = chainer.training.extensions.Evaluator(make(repeat=False, workers=1), model)
        assert evaluator()["main/accuracy"] == evaluator()["main/accuracy"]

    @pytest.mark.parametrize("workers", [0, 2])
    def test_a_learning_rate_test_leaves_no_trace(self, make: Maker, workers: int) -> None:
        def rest(look: bool) -> list[tuple[np.ndarray, np.ndarray]]:
            model = chainer.links.Classifier(chainer.links.Linear(None, 2))
            batches = make(workers=workers)
            optimizer = chainer.optimizers.SGD(0.01).setup(model)
            updater = chainer.training.StandardUpdater(batches, optimizer)
            updater.update()
            if look:
                ft.lr_find(updater, steps=7)
            assert (batches.epoch_detail, batches.previous_epoch_detail) == (6 / 16, 0.0)
            return taken(batches, 4)

        assert_same(rest(look=True), rest(look=False))

    @pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"workers": -1}])
    def test_what_makes_no_sense(self, make: Maker, wrong: dict[str, int]) -> None:
        with pytest.raises(UsageError, match="give a batch size from 1, workers from 0"):
            make(**wrong)


class TestSame:
    def test_with_any_number_of_workers(self, make: Maker) -> None:
        plain = taken(make(workers=0), 9)
        for workers in (1, 2, 3):
            assert_same(taken(make(workers=workers), 9), plain)

    def test_as_the_data_set_itself(self, make: Maker, data: Dataset) -> None:
        batches = make(16, shuffle=False, workers=1)
        for epoch in range(2):
            for number, (x, t) in enumerate(next(batches)):
                wanted, label = data.get_example(number, epoch)
                np.testing.assert_array_equal(x, wanted)
                assert t == label

    def test_epochs_differ_in_what_is_random_alone(self, make: Maker, data: Dataset) -> None:
        assert (data.get_example(3, epoch=0)[0] != data.get_example(3, epoch=1)[0]).any()
        plain = Dataset(find(data.samples.store.root), "train", SMALL)
        np.testing.assert_array_equal(
            plain.get_example(3, epoch=0)[0], plain.get_example(3, epoch=1)[0]
        )

    @pytest.mark.parametrize("workers", [0, 2])
    @pytest.mark.parametrize("before", [0, 1, 4, 8])
    def test_resumed(self, make: Maker, tmp_path: Path, workers: int, before: int) -> None:
        whole = taken(make(workers=0), 12)
        first = make(workers=workers)
        taken(first, before)
        serializers.save_npz(tmp_path / "snapshot.npz", first)
        second = make(workers=2 - workers)
        taken(second, 2)
        serializers.load_npz(tmp_path / "snapshot.npz", second)
        assert second.epoch_detail == first.epoch_detail
        assert second.previous_epoch_detail == first.previous_epoch_detail
        assert_same(taken(second, 12 - before), whole[before:])

    def test_a_snapshot_of_chainers_own_iterator(self, make: Maker, data: Dataset) -> None:
        plain = chainer.iterators.SerialIterator(data, 6, order_sampler=ft.EpochShuffle(0))
        for _ in range(4):
            next(plain)
        kept: dict[str, Any] = {}
        serializers.DictionarySerializer(kept).save(plain)
        batches = make(workers=1)
        taken(batches, 1)
        serializers.NpzDeserializer(kept).load(batches)
        assert_same(taken(batches, 4), taken(make(workers=0), 8)[4:])

    def test_resumed_with_other_data(self, make: Maker, data: Dataset, tmp_path: Path) -> None:
        serializers.save_npz(tmp_path / "snapshot.npz", make(workers=0))
        other = Dataset(find(data.samples.store.root, val=0.5), "train", SMALL)
        with pytest.raises(RefusedError, match="not taken with 10 images"):
            serializers.load_npz(tmp_path / "snapshot.npz", make(dataset=other, workers=0))

    @pytest.mark.parametrize(("memory", "depth"), [(1 << 20, 6), (20_000, 4), (100, 3)])
    def test_no_more_wait_than_memory_is_for(
        self, make: Maker, monkeypatch: pytest.MonkeyPatch, memory: int, depth: int
    ) -> None:
        """A batch is 6 x 3 x 8 x 8 x 4 = 4,608 bytes; at least one for each worker waits."""
        monkeypatch.setattr(pool, "_MEMORY", memory)
        batches = make(workers=2)
        taken(batches, 1)
        assert batches._pool is not None and batches._pool.depth == depth


class TestTrouble:
    def kill(self, batches: Batches, how: int) -> None:
        assert batches._pool is not None
        worker = batches._pool._workers[0].process
        worker.send_signal(how)
        worker.wait()

    def test_the_error_of_a_killed_worker_may_be_in_a_cycle(self, make: Maker) -> None:
        """Python 3.12 crashed, and 3.13 complained, when it was collected."""
        batches = make(workers=1)
        batches.next()
        worker = batches._pool._workers[0]
        worker.process.kill()
        worker.process.wait()
        for _ in range(3):
            with pytest.raises(WorkerError, match="killed by SIGKILL") as caught:
                worker.tell("more")
            cycle = [caught.value]
            cycle.append(cycle)
            del cycle, caught
            assert gc.collect() > 0

    def test_a_killed_worker_ends_in_a_clear_error(self, make: Maker) -> None:
        batches = make(workers=2)
        before = taken(batches, 1)
        self.kill(batches, signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"process \d+\) was killed by SIGKILL, .*memory"):
            before += taken(batches, 20)
        assert_same(before, taken(make(workers=0), len(before)))

    def test_after_it_nothing_is_lost(self, make: Maker) -> None:
        batches = make(workers=2)
        self.kill_and_catch(batches)
        position = batches.epoch_detail
        after = taken(batches, 3)
        skipped = round(position * 16 / 6)
        assert_same(after, taken(make(workers=0), skipped + 3)[skipped:])

    def kill_and_catch(self, batches: Batches) -> None:
        taken(batches, 1)
        self.kill(batches, signal.SIGTERM)
        with pytest.raises(WorkerError, match="killed by SIGTERM"):
            taken(batches, 20)

    def test_an_image_that_is_gone_is_named(self, make: Maker, data: Dataset) -> None:
        key = data.samples.items[3].key
        os.unlink(data.samples.store.file(key))
        for workers in (0, 1):
            with pytest.raises(FormatError, match=f"{key}: cannot be opened: No such file"):
                list(make(shuffle=False, repeat=False, workers=workers))

    def test_ctrl_c_is_not_for_workers(self, make: Maker) -> None:
        batches = make(workers=1)
        taken(batches, 1)
        assert batches._pool is not None
        batches._pool._workers[0].process.send_signal(signal.SIGINT)
        assert_same(taken(batches, 5), taken(make(workers=0), 6)[1:])


SCRIPT = """
import chainer_ft, os, sys, time
from chainer_ft.images import Batches, Dataset, Preprocessing, find

batches = Batches(Dataset(find(sys.argv[1]), "train", Preprocessing((8, 8))), 4, workers=2)
next(batches)
print(*(worker.process.pid for worker in batches._pool._workers), flush=True)
"""


class TestProcesses:
    def test_a_script_needs_no_guard_and_warns_of_nothing(self, folder: Path) -> None:
        command = [sys.executable, "-W", "error", "-c", SCRIPT, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert all(not _lives(int(pid)) for pid in done.stdout.split())

    def test_workers_end_when_the_run_is_killed(self, folder: Path) -> None:
        command = [sys.executable, "-c", SCRIPT + "time.sleep(60)", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as script:
            assert script.stdout is not None
            pids = [int(pid) for pid in script.stdout.readline().split()]
            assert len(pids) == 2 and all(map(_lives, pids))
            script.kill()
        deadline = time.monotonic() + 20
        while any(map(_lives, pids)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(_lives, pids))

    def test_workers_know_no_chainer(self) -> None:
        code = """
            import sys
            import chainer_ft.images.worker, chainer_ft.images.finding
            assert not {"chainer", "cupy"} & set(sys.modules)
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_module_of_the_models_folder_hides_none_of_ours(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``file.py:Net`` puts the file's folder in front of the search path."""
    for name in ("numpy", "PIL", "json"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('the wrong one')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert len(next(make(workers=1))) == len(next(make(workers=0)))
