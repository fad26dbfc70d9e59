"""What features depend on, and what cannot be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np
import pytest
from feature_nets import Residual, data

import chainer_ft as ft
from chainer_ft.finetune.cache import FeatureFile
from chainer_ft.finetune.examples import Examples
from chainer_ft.finetune.features import Features
from chainer_ft.finetune.ghosts import CannotReplay
from chainer_ft.finetune.job import Job
from chainer_ft.finetune.split import CannotSplit
from chainer_ft.images import Dataset, Preprocessing, find


class Small(chainer.Chain):  # type: ignore[misc]
    """A frozen convolution and a head; ``slope`` is a setting, ``mean`` an array, of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.slope, self.mean = 0.2, np.zeros((8, 3, 8, 8), np.float32)
        with self.init_scope():
            self.body = L.Convolution2D(3, 4, 3)
            self.fc = L.Linear(4, 5)

    def features(self, x: Any) -> Any:
        shifted = chainer.as_variable(x) - self.mean[: len(x)]
        return F.leaky_relu(self.body(shifted), self.slope)

    def forward(self, x: Any, t: Any) -> Any:
        return F.softmax_cross_entropy(self.fc(F.average(self.features(x), axis=(2, 3))), t)


def model(seed: int = 0, cls: type[Small] = Small) -> Small:
    np.random.seed(seed)
    made = cls()
    ft.freeze(made, "/body")
    return made


def job(net: chainer.Link, seed: int = 0, **options: Any) -> Job:
    dataset = options.pop("dataset", chainer.datasets.TupleDataset(*data(20, seed)))
    return Job(net, net, Examples(dataset, options.pop("draws", 1)), 8, **options)


class TestAhead:
    def pictures(self, folder: Path, count: int) -> Dataset:
        """Few pixels, so that many of them are soon made."""
        pixels = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3)).astype(np.uint8)
        np.savez(folder / "many.npz", x=pixels, y=np.arange(count) % 5)
        return Dataset(find(folder / "many.npz"), "all", Preprocessing((8, 8)))

    @pytest.mark.parametrize("training", [True, False])
    def test_many_images_are_prepared_by_workers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training: bool
    ) -> None:
        asked: list[int] = []
        ahead = Dataset.ahead

        def spy(self: Dataset, batches: Any, workers: int) -> Any:
            asked.append(workers)
            return ahead(self, batches, workers)

        monkeypatch.setattr(Dataset, "ahead", spy)
        pictures, columns = self.pictures(tmp_path, 1100), []
        for workers in (0, 8):
            net = model()
            made = Job(net, net, Examples(pictures, 1, workers), 8, training=training)
            features = Features(made)
            features.prepare(tmp_path / f"{workers}")
            columns.append([array.tobytes() for array in features.file.arrays])
        assert columns[0] == columns[1]
        assert asked == [2]  # as many as it pays for

    def test_few_are_not(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Dataset, "ahead", None)
        net = model()
        features = Features(Job(net, net, Examples(self.pictures(tmp_path, 60), 1, 8), 8))
        features.prepare(tmp_path / "features")
        assert [len(array) for array in features.file.arrays] == [60, 60]

    def test_what_was_computed_is_not_asked_for_again(self, tmp_path: Path) -> None:
        pictures, net = self.pictures(tmp_path, 1100), model()

        def stop(done: int, all_: int) -> None:
            if done > 600:
                raise KeyboardInterrupt

        folder, whole = tmp_path / "features", tmp_path / "whole"
        with pytest.raises(KeyboardInterrupt):
            Features(Job(net, net, Examples(pictures, 1, 2), 8)).prepare(folder, progress=stop)
        both = []
        for place in (folder, whole):
            features = Features(Job(net, net, Examples(pictures, 1, 2), 8))
            features.prepare(place)
            both.append([array.tobytes() for array in features.file.arrays])
        assert both[0] == both[1]


class TestKey:
    def key(self, net: chainer.Link | None = None, **options: Any) -> str:
        return Features(job(net or model(), **options)).key()

    def test_it_is_the_same_for_the_same(self) -> None:
        assert self.key() == self.key()

    def test_live_weights_are_no_part_of_it(self) -> None:
        net = model()
        net.fc.W.array[...] = 3
        assert self.key(net) == self.key()

    def test_other_weights_make_another(self) -> None:
        assert self.key(model(1)) != self.key()

    def test_other_inputs_make_another(self) -> None:
        assert self.key(seed=1) != self.key()
        images, labels = data(20)
        images[19, 0, 0, 0] += 1
        changed = chainer.datasets.TupleDataset(images, labels)
        assert self.key(dataset=changed) != self.key()

    def test_other_labels_make_another(self) -> None:
        images, labels = data(20)
        labels[3] += 1
        assert self.key(dataset=chainer.datasets.TupleDataset(images, labels)) != self.key()

    def test_another_transform_makes_another(self) -> None:
        def transform(pair: Any) -> Any:
            return pair[0] * np.float32(2), pair[1]

        plain = chainer.datasets.TupleDataset(*data(20))
        transformed = chainer.datasets.TransformDataset(plain, transform)
        assert self.key(dataset=transformed) != self.key()

    def test_other_settings_of_a_function_make_another(self) -> None:
        net = model()
        net.slope = 0.3
        assert self.key(net) != self.key()

    def test_other_arrays_in_the_model_make_another(self) -> None:
        net = model()
        net.mean[:, 0, 0, 0] = 1
        assert self.key(net) != self.key()

    def test_another_part_that_is_frozen_makes_another(self) -> None:
        def key(*frozen: str) -> str:
            np.random.seed(0)
            net = L.Classifier(Residual())
            ft.freeze(net, *frozen)
            return Features(job(net)).key()

        blocks = "/predictor/blocks"
        assert key(f"{blocks}/0") != key(f"{blocks}/0", f"{blocks}/1")

    def test_another_converter_makes_another(self) -> None:
        def halves(batch: Any, device: Any = None) -> Any:
            x, t = chainer.dataset.concat_examples(batch, device)
            return x[:, :, ::-1].copy(), t

        assert self.key(converter=halves) != self.key()


class TestRefusals:
    def refused(self, net: chainer.Link, **options: Any) -> str:
        with pytest.raises(CannotSplit) as caught:
            Features(job(net, **options))
        return str(caught.value)

    def test_nothing_frozen(self) -> None:
        net = model()
        ft.unfreeze(net)
        assert "nothing that is frozen" in self.refused(net)

    def test_live_parts_before_frozen_ones(self) -> None:
        net = model()
        ft.unfreeze(net)
        ft.freeze(net, "/fc")
        assert "nothing that is frozen" in self.refused(net)

    def test_statistics_of_the_batch(self) -> None:
        class Centred(Small):
            def features(self, x: Any) -> Any:
                h = self.body(x)
                return h - F.broadcast_to(F.average(h, axis=0, keepdims=True), h.shape)

        assert "other samples of its batch" in self.refused(model(cls=Centred))

    def test_live_values_that_are_read_between(self) -> None:
        class Asking(Small):
            def features(self, x: Any) -> Any:
                asked = float(F.sum(self.fc(np.ones((1, 4), "f"))).array)
                return self.body(x) * (2 if asked < 1e9 else 1)

        assert "before all that is frozen" in self.refused(model(cls=Asking))

    def test_a_batch_that_is_no_arrays(self) -> None:
        def listing(batch: Any, device: Any = None) -> Any:
            return [example[0] for example in batch], 3

        net = model()
        assert "besides arrays" in self.refused(net, converter=listing)

    def test_examples_that_have_no_digest(self) -> None:
        class Thing:
            pass

        dataset = [(np.zeros((3, 8, 8), "f"), Thing())] * 9
        assert "`fingerprint`" in self.refused(model(), dataset=dataset)

    def test_a_model_that_is_not_complete(self) -> None:
        net = model()
        with net.init_scope():
            net.more = L.Linear(None, 2)
        assert "/more/W has no array" in self.refused(net)

    def test_a_file_that_would_be_too_large(self, tmp_path: Path) -> None:
        with pytest.raises(CannotSplit, match="over the limit of 100"):
            Features(job(model())).prepare(tmp_path, limit=100)

    def test_an_empty_dataset(self) -> None:
        with pytest.raises(CannotSplit, match="empty"):
            Examples([])


def test_random_columns_of_a_frozen_link_with_dropout_are_drawn_again(tmp_path: Path) -> None:
    class Dropping(Small):
        def features(self, x: Any) -> Any:
            return F.dropout(super().features(x), 0.5)

    net = model(cls=Dropping)
    features = Features(job(net))
    features.prepare(tmp_path)
    one = features.batch(np.arange(8))
    first, second = (float(features.cut(one).array) for _ in range(2))
    assert first != second
    np.random.seed(5)
    expected = net(*features.job.batch(np.arange(8))).array
    np.random.seed(5)
    assert features.cut(one).array == expected
    features.close()


def test_noise_of_the_models_own_is_not_kept() -> None:
    class Noisy(Small):
        def features(self, x: Any) -> Any:
            return super().features(x + np.random.rand(*x.shape).astype("f"))

    with pytest.raises(CannotSplit, match="nothing that is frozen"):
        Features(job(model(cls=Noisy)))


def test_a_forgetful_function_with_live_weights_is_live() -> None:
    class Forgetful(Small):
        def features(self, x: Any) -> Any:
            return F.forget(super().features, chainer.as_variable(x))

    net = model(cls=Forgetful)
    ft.unfreeze(net, "/body/b")
    with pytest.raises(CannotSplit, match="nothing that is frozen"):
        Features(job(net))


def test_watching_leaves_no_trace(tmp_path: Path) -> None:
    class Counting(Small):
        def forward(self, x: Any, t: Any) -> Any:
            self.calls = getattr(self, "calls", 0) + 1
            return super().forward(x, t)

    net = model(cls=Counting)
    np.random.seed(3)
    features = Features(job(net))
    features.prepare(tmp_path)
    features.close()
    state = np.random.get_state()[1:3]
    np.random.seed(3)
    again = np.random.get_state()[1:3]
    assert (state[0] == again[0]).all() and state[1] == again[1]
    assert not hasattr(net, "calls") and all(p.grad is None for p in net.params())


def test_a_file_with_another_content_than_its_name_says_is_made_anew(tmp_path: Path) -> None:
    features = Features(job(model()))
    features.prepare(tmp_path)
    expected = [array.tobytes() for array in features.file.arrays]
    features.close()
    file = FeatureFile(tmp_path, features.key(), features.cut.columns, 20, 8)
    file.remove()
    file = FeatureFile(tmp_path, features.key(), features.cut.columns, 20, 8)
    for index, rows in enumerate((8, 8, 4)):
        file.write(index, [np.ones((rows, *c.shape), c.dtype) for c in features.cut.columns])
    file.finish()
    file.close()
    counts: list[int] = []
    again = Features(job(model()))
    again.prepare(tmp_path, progress=lambda done, total: counts.append(done))
    assert counts == [8, 16, 20]
    assert [array.tobytes() for array in again.file.arrays] == expected
    again.close()


def test_a_model_that_changes_its_ways_ends_the_use_of_features(tmp_path: Path) -> None:
    class Changing(Small):
        extra = False

        def features(self, x: Any) -> Any:
            h = super().features(x)
            return F.tanh(h) if self.extra else h

    net = model(cls=Changing)
    features = Features(job(net))
    features.prepare(tmp_path)
    net.extra = True
    with pytest.raises(CannotReplay, match="Tanh"):
        features.cut(features.batch(np.arange(8)))
    features.close()
