"""Training from cached features is the training without them, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from feature_nets import NETS, data, training

import chainer_ft as ft
from chainer_ft.images import Batches, Dataset, Preprocessing, find


class Counted(chainer.training.Extension):  # type: ignore[misc]
    """Notes whether features are used."""

    trigger = (1, "iteration")
    priority = 100
    default_name = "Counted"

    def __init__(self) -> None:
        self.used: list[bool] = []

    def __call__(self, trainer: Any) -> None:
        extensions = trainer._extensions.values()
        cache = next(e.extension for e in extensions if isinstance(e.extension, ft.FeatureCache))
        self.used.append(cache.is_used)


@pytest.mark.parametrize("name", NETS)
def test_cached_equals_uncached_to_the_bit(name: str, tmp_path: Path) -> None:
    plain = training(tmp_path / "plain", name, cached=False)
    plain.trainer.run()
    expected = plain.bits()
    used = Counted()
    cached = training(tmp_path / "cached", name, extend=(used,))
    cached.trainer.run()
    assert all(used.used) and len(used.used) == cached.trainer.updater.iteration
    assert cached.bits() == expected


def test_images_are_not_read_again(tmp_path: Path) -> None:
    read: list[int] = []

    class Pictures(chainer.dataset.DatasetMixin):  # type: ignore[misc]
        fingerprint = "pictures"

        def __init__(self) -> None:
            self.images, self.labels = data()

        def __len__(self) -> int:
            return len(self.images)

        def get_example(self, index: int) -> Any:
            read.append(index)
            return self.images[index], self.labels[index]

    run = training(tmp_path, epochs=1)
    run.trainer.updater.get_iterator("main").dataset = Pictures()
    run.trainer.extend(lambda trainer: read.clear(), trigger=(1, "iteration"), name="clear")
    run.trainer.run()
    assert not run.cache.reason and read == []


def test_features_are_dropped_at_the_thaw(tmp_path: Path) -> None:
    def thawed(out: Path, cached: bool) -> Any:
        used = Counted()
        extra = (used,) if cached else ()
        run = training(out, "all but the head", cached=cached, epochs=4, extend=extra)
        net = run.model.predictor

        def thaw(trainer: Any) -> None:
            if trainer.updater.iteration == 7:
                ft.unfreeze(net)

        run.trainer.extend(thaw, trigger=(1, "iteration"), name="thaw", priority=-50)
        run.trainer.run()
        return run.bits(), used.used

    expected, _ = thawed(tmp_path / "plain", False)
    found, used = thawed(tmp_path / "cached", True)
    assert found == expected
    assert used == [i < 7 for i in range(len(used))]
    assert list((tmp_path / "cached" / "features").iterdir()) == []


def test_a_partial_thaw_gives_new_features(tmp_path: Path) -> None:
    def thawed(out: Path, cached: bool) -> Any:
        run = training(out, "all but the head", cached=cached, epochs=3)
        phases = ft.extensions.Freeze("/predictor/blocks/2", until=(1, "epoch"))
        ft.unfreeze(run.model, "/predictor/blocks/2")
        run.trainer.extend(phases)
        sizes: list[int] = []
        if cached:
            run.trainer.extend(
                lambda t: sizes.extend(
                    s.features.cut.columns[0].nbytes for s in run.cache._switches[:1]
                ),
                trigger=(1, "epoch"),
                name="sizes",
                priority=-80,
            )
        run.trainer.run()
        return run.bits(), sizes

    expected, _ = thawed(tmp_path / "plain", False)
    found, sizes = thawed(tmp_path / "cached", True)
    assert found == expected
    assert (sizes == [8 * 2 * 2 * 4] * len(sizes) and len(sizes) == 3) or len(set(sizes)) == 2


def test_a_model_that_does_something_else_goes_on_without_features(tmp_path: Path) -> None:
    def switched(out: Path, cached: bool) -> Any:
        used = Counted()
        run = training(out, "two blocks of three", cached=cached, extend=(used,) if cached else ())
        first = run.model.predictor.blocks[0]

        def switch(trainer: Any) -> None:
            if trainer.updater.iteration == 6:
                first.forward = lambda x: chainer.functions.tanh(type(first).forward(first, x))

        run.trainer.extend(switch, trigger=(1, "iteration"), name="switch")
        run.trainer.run()
        return run, run.bits(), used.used

    _, expected, _ = switched(tmp_path / "plain", False)
    run, found, used = switched(tmp_path / "cached", True)
    assert found == expected
    assert used == [i < 7 for i in range(len(used))]
    assert "Tanh" in run.cache.reason


def test_an_unfrozen_model_trains_without_features(tmp_path: Path) -> None:
    run = training(tmp_path)
    ft.unfreeze(run.model)
    run.trainer.run()
    assert "nothing that is frozen" in run.cache.reason


def test_other_iterators_go_on_where_they_were(tmp_path: Path) -> None:
    runs = []
    for cached in (False, True):
        run = training(tmp_path / str(cached), "all but the head", cached=cached, iterator=_threads)
        net = run.model.predictor

        def thaw(trainer: Any, net: Any = net) -> None:
            if trainer.updater.iteration == 6:
                ft.unfreeze(net)

        run.trainer.extend(thaw, trigger=(1, "iteration"), name="thaw", priority=-50)
        run.trainer.run()
        runs.append(run.bits())
    assert runs[0] == runs[1]


def test_batches_that_are_prepared_ahead_go_on_where_they_were(tmp_path: Path) -> None:
    images, labels = data()
    np.savez(tmp_path / "images.npz", x=np.uint8(images.clip(0, 1) * 255), y=labels)
    found = find(tmp_path / "images.npz")
    preprocessing = Preprocessing((8, 8))

    def thaw(trainer: Any) -> None:
        if trainer.updater.iteration == 7:
            ft.unfreeze(trainer.updater.get_optimizer("main").target)

    ends, used = [], Counted()
    for cached in (False, True):
        run = training(
            tmp_path / str(cached),
            cached=cached,
            extend=(used,) if cached else (),
            iterator=lambda _, size: Batches(
                Dataset(found, "train", preprocessing), size, workers=1
            ),
        )
        evaluator = run.trainer.get_extension("validation")
        checks = Batches(Dataset(found, "val", preprocessing), 4, repeat=False, shuffle=False)
        evaluator._iterators["main"] = checks
        run.trainer.extend(thaw, trigger=(1, "iteration"), name="thaw", priority=-50)
        run.trainer.run()
        checks.finalize()
        ends.append(run.bits())
    assert ends[0] == ends[1]
    assert used.used == [i < 7 for i in range(len(used.used))]


def _threads(dataset: Any, size: int) -> Any:
    sampler = ft.EpochShuffle(3)
    return chainer.iterators.MultithreadIterator(dataset, size, order_sampler=sampler)


@pytest.mark.parametrize("iterator", [None, _threads])
def test_a_snapshot_of_a_cached_run_resumes_with_features_and_without(
    iterator: Any, tmp_path: Path
) -> None:
    path = tmp_path / "snapshot.npz"

    def snapshot(trainer: Any) -> None:
        if trainer.updater.iteration == 6:  # in the middle of an epoch
            chainer.serializers.save_npz(path, trainer)

    first = training(tmp_path / "first", iterator=iterator)
    first.trainer.extend(snapshot, trigger=(1, "iteration"), name="snapshot", priority=-100)
    first.trainer.run()
    expected = first.bits()
    assert not first.cache.reason
    for cached in (False, True):
        run = training(tmp_path / str(cached), cached=cached, iterator=iterator)
        run.trainer.extend(lambda _: None, trigger=(1, "iteration"), name="snapshot")
        chainer.serializers.load_npz(path, run.trainer, strict=False)
        run.trainer.run()
        assert run.bits() == expected


def test_random_inputs_are_not_cached_and_stay_what_they_would_be(tmp_path: Path) -> None:
    ends = []
    for cached in (False, True):
        run = training(tmp_path / str(cached), cached=cached)
        iterator = run.trainer.updater.get_iterator("main")
        iterator.dataset = chainer.datasets.TransformDataset(
            iterator.dataset, lambda pair: (pair[0] + np.random.rand(8).astype("f"), pair[1])
        )
        run.trainer.run()
        ends.append(run.bits())
    assert "another example" in run.cache.reason
    assert ends[0] == ends[1]


def test_drawn_augmentations_are_kept_one_behind_the_other(tmp_path: Path) -> None:
    class Drawn(chainer.dataset.DatasetMixin):  # type: ignore[misc]
        def __init__(self, period: int) -> None:
            self.images, self.labels = data()
            self.period, self.epochs = period, iter(())

        def __len__(self) -> int:
            return len(self.images)

        def get_example(self, index: int, epoch: int = 0) -> Any:
            noise = np.random.default_rng([epoch % self.period, index]).random(8, np.float32)
            return self.images[index] + noise, self.labels[index]

    class Epochs(chainer.iterators.SerialIterator):  # type: ignore[misc]
        """Reads each example as it is in its epoch."""

        def __next__(self) -> Any:
            count, start = len(self.dataset), self.current_position + self.epoch * len(self.dataset)
            examples, self.dataset = self.dataset, range(count)
            indices = super().__next__()
            self.dataset = examples
            epochs = [(start + i) // count for i in range(len(indices))]
            return [examples.get_example(i, e) for i, e in zip(indices, epochs, strict=True)]

        next = __next__

    ends = []
    for cached in (False, True):
        run = training(
            tmp_path / str(cached),
            cached=cached,
            epochs=5,
            iterator=lambda _, size: Epochs(Drawn(2), size),
            **({"draws": 2} if cached else {}),
        )
        run.trainer.run()
        assert not cached or run.cache.reason == ""
        ends.append(run.bits())
    assert ends[0] == ends[1]
    run = training(tmp_path / "new", iterator=lambda _, size: Epochs(Drawn(9), size), epochs=1)
    run.trainer.run()
    assert "draws=4" in run.cache.reason


def test_a_lazy_model_has_features_after_its_first_batch(tmp_path: Path) -> None:
    ends, used = [], Counted()
    for cached in (False, True):
        run = training(tmp_path / str(cached), cached=cached, extend=(used,) if cached else ())
        run.model.predictor.fc = chainer.links.Linear(None, 5)
        with run.model.predictor.init_scope():
            run.model.predictor.late = chainer.links.Linear(None, 5)
        run.model.predictor.fc = run.model.predictor.late
        run.trainer.updater.get_optimizer("main").setup(run.model)
        run.trainer.run()
        ends.append(run.bits())
    assert ends[0] == ends[1]
    assert used.used[0] is False and all(used.used[1:])


def test_an_interrupted_run_goes_on_with_its_file(tmp_path: Path) -> None:
    counts: list[int] = []

    def interrupt(done: int, total: int) -> None:
        counts.append(done)
        if done >= 16:
            raise KeyboardInterrupt

    run = training(tmp_path, progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.trainer.run()
    (part,) = (tmp_path / "features").iterdir()
    assert counts == [8, 16] and part.suffix == ".part"
    counts.clear()
    again = training(tmp_path, progress=lambda done, total: counts.append(done))
    again.trainer.run()
    found = again.bits()
    assert counts[:3] == [24, 32, 37]
    plain = training(tmp_path / "plain", cached=False)
    plain.trainer.run()
    assert found == plain.bits()
