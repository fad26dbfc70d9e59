"""fine_tune: what it gives, and that it gives it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np
import pytest
from small_runs import Net, arrays, assert_same, log, make_files, tune

import chainer_ft as ft
from chainer_ft.errors import UsageError
from chainer_ft.finetune.cache import FeatureFile
from chainer_ft.finetune.features import Features
from chainer_ft.finetune.result import RunResult
from chainer_ft.finetune.using import load


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    make_files(folder)
    tune(folder, "plain", baselines=["scratch", "frozen"])
    return folder


def test_the_result_is_in_the_folder(place: Path) -> None:
    result = RunResult.load(place / "plain")
    names = [one.name for one in (result.fine_tuned, *result.baselines)]
    assert names == ["fine-tuned", "scratch", "frozen"]
    assert result.fine_tuned.curve.epoch == (1.1111, 2.2222, 3.0556)
    assert result.fine_tuned.score.count == sum(map(sum, result.confusion.counts)) == 18
    assert len(result.worst) == result.fine_tuned.score.count - result.fine_tuned.score.correct
    assert all((place / "plain" / one.picture).exists() for one in result.worst)
    assert result.copy_map is not None and result.copy_map["coverage"] == 1.0
    assert [phase["name"] for phase in result.timeline["phases"]] == ["head", "all"]
    assert set(result.drift.layers) == {"/conv1", "/bn1", "/conv2", "/fc", ""}
    assert result.drift.layers["/conv1"][0] == 0.0 < result.drift.layers["/conv1"][-1]


def test_it_learns(place: Path) -> None:
    losses = RunResult.load(place / "plain").fine_tuned.curve.loss
    assert losses[-1] < losses[0] - 0.05


def test_a_margin_is_what_the_scores_say(place: Path) -> None:
    result = RunResult.load(place / "plain")
    for other in result.baselines:
        assert other.margin is not None
        gap = result.fine_tuned.score.accuracy - other.score.accuracy
        assert other.margin.difference == pytest.approx(gap)


def test_frozen_is_frozen(place: Path) -> None:
    with np.load(place / "old.npz") as held:
        old = {name: held[name] for name in ("conv1/W", "bn1/gamma", "bn1/avg_mean", "conv2/b")}
    new = arrays(place / "plain" / "frozen")
    for name, array in old.items():
        assert (new[name] == array).all(), name


def test_scratch_has_none_of_the_weights(place: Path) -> None:
    result = RunResult.load(place / "plain")
    rate = {one.name: one.lr for one in (result.fine_tuned, *result.baselines)}
    assert rate == {"fine-tuned": 0.01, "scratch": 0.001, "frozen": 0.1}
    with np.load(place / "old.npz") as old:
        ratio = np.abs(arrays(place / "plain" / "scratch")["conv1/W"] - old["conv1/W"])
    assert ratio.mean() > 0.1


def test_two_runs_with_one_seed_are_equal(place: Path) -> None:
    tune(place, "again")
    assert_same(place / "plain", place / "again")
    tune(place, "another", seed=5)
    assert log(place / "plain") != log(place / "another")


def test_cached_equals_uncached(place: Path) -> None:
    tune(place, "uncached", cache=False, baselines=["frozen"])
    assert_same(place / "plain", place / "uncached")
    assert_same(place / "plain" / "frozen", place / "uncached" / "frozen")


def test_a_frozen_body_is_computed_once_for_all_that_need_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first phase of the fine-tuned net has computed what the baseline needs."""
    written: list[str] = []
    seen: list[bool] = []
    write, restored = FeatureFile.write, Features.prepare

    def count(self: FeatureFile, index: int, arrays: Any) -> None:
        written.append(f"{self.path.name} {index}")
        write(self, index, arrays)

    def prepare(self: Features, *args: Any) -> None:
        restored(self, *args)
        seen.append((place / "shared" / "features").is_dir())

    monkeypatch.setattr(FeatureFile, "write", count)
    monkeypatch.setattr(Features, "prepare", prepare)
    tune(place, "shared", baselines=["frozen"])
    assert len(written) == len(set(written)) == 4 + 1  # batches of 72 and of 18 images
    assert seen == [True] * 4  # training and evaluation, twice
    assert not (place / "shared" / "features").exists()
    assert_same(place / "shared" / "frozen", place / "uncached" / "frozen")


def test_augmented_features_are_kept_by_draws(place: Path) -> None:
    options = {"augmentation": ft.images.Augmentation(), "epochs": 2, "freeze_epochs": 1}
    tune(place, "drawn", draws=2, **options)
    tune(place, "undrawn", cache=False, **options)
    assert_same(place / "drawn", place / "undrawn")


def test_worker_processes_change_nothing(place: Path) -> None:
    tune(place, "workers", workers=2)
    assert_same(place / "plain", place / "workers")


def test_a_link_is_left_alone(place: Path) -> None:
    net = Net()
    ft.copy(place / "old.npz", net)
    before = {path: param.array.copy() for path, param in net.namedparams()}
    result = tune(place, "link", model=net, weights=None, epochs=1, baselines=["scratch"])
    assert result.copy_map is None and result.model == "Net"
    assert all((param.array == before[path]).all() for path, param in net.namedparams())


def test_a_sequential_of_lambda_functions_is_left_alone(place: Path) -> None:
    mean = chainer.Sequential(lambda x: F.average(x, axis=(2, 3)))
    link = chainer.Sequential(L.Convolution2D(3, 4, 3), mean, L.Linear(4, 5))
    before = link[0].W.array.copy()
    result = tune(place, "lambda", model=link, weights=None, baselines=["scratch"])
    assert result.head == "head /1: 5 -> 3 classes, all new"
    assert np.array_equal(link[0].W.array, before) and link[2].W.shape == (5, 4)
    assert not np.array_equal(arrays(place / "lambda")["0/W"], before)


def test_classes_that_survive_keep_their_rows(place: Path) -> None:
    labels = ("x", "2", "y", "0", "z")
    result = tune(
        place, "labels", labels=labels, epochs=1, freeze=("/fc",), scenario="large-similar"
    )
    assert "2 keep their rows" in result.head
    with np.load(place / "old.npz") as old:
        W = old["fc/W"]  # noqa: N806
    new = arrays(place / "labels")["fc/W"]
    assert (new[2] == W[1]).all() and (new[0] == W[3]).all()


def test_classes_and_preprocessing_come_with_weights(place: Path) -> None:
    result = tune(place, "onward", weights=place / "plain" / "model.npz", preprocessing=None)
    assert result.preprocessing["size"] == [8, 8]
    assert "3 keep their rows" in result.head


def test_a_run_is_not_overwritten(place: Path) -> None:
    with pytest.raises(UsageError, match="holds a run already"):
        tune(place, "plain")


def test_early_stopping_brings_the_best_weights_back(place: Path) -> None:
    result = tune(place, "patient", epochs=12, patience=2, lr=0.3)
    curve = result.fine_tuned.curve.val_accuracy
    assert len(curve) < 12
    assert result.fine_tuned.score.accuracy == pytest.approx(max(curve[1:]))


def test_a_rate_is_found_once(place: Path) -> None:
    result = tune(place, "found", lr="find", baselines=["scratch"])
    assert float((place / "found" / "lr.txt").read_text()) == result.fine_tuned.lr
    assert result.baselines[0].lr == float((place / "found" / "scratch" / "lr.txt").read_text())


def test_one_cycle_is_the_usual_curve(place: Path) -> None:
    rates = [one["lr"] for one in log(place / "plain")]
    assert rates[0] > rates[1] > rates[2]
    assert [one["lr"] for one in log(_constant(place))] == [0.01] * 3


def _constant(place: Path) -> Path:
    tune(place, "constant", curve="constant", optimizer="sgd")
    return place / "constant"


def test_a_mistyped_preprocessing_comes_with_the_nearest(place: Path) -> None:
    with pytest.raises(UsageError, match="preprocessing 'maen': there is no such; nearest: mean"):
        ft.fine_tune(Net(), None, "photos.npz", 1, out="maen", preprocessing={"maen": (1.0,)})


def test_a_preprocessing_that_does_not_fit_is_told(place: Path) -> None:
    result = tune(
        place,
        "misfit",
        preprocessing={"size": (8, 8), "scale": 1.0, "mean": (0.4,), "std": (0.2,)},
        epochs=1,
    )
    assert any("preprocessing: the batches fit" in note for note in result.notes)
    assert not any("preprocessing" in note for note in RunResult.load(place / "plain").notes)


def test_the_weights_know_the_statistics_of_their_images(place: Path) -> None:
    net = load(place / "plain")
    assert net.preprocessing.statistics is not None
    assert all(0.2 < mean < 0.6 for mean in net.preprocessing.statistics.mean)
