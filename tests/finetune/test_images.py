"""Images of the room ``images`` in what fine-tuning does with data: features, epochs, snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links, training

import chainer_ft as ft
from chainer_ft.images import Augmentation, Batches, Dataset, Preprocessing, find


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "images.npz"
    x = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), np.uint8)
    np.savez(path, x=x, y=np.arange(40) % 3)
    return path


def trained(file: Path, out: Path, cache: Any = None, workers: int = 0) -> dict[str, np.ndarray]:
    """Parameters after three epochs with a frozen body."""
    images, preprocessing = find(file), Preprocessing((8, 8))
    augmentation = Augmentation() if cache is not None and cache.draws > 1 else None
    data = Dataset(images, "train", preprocessing, augmentation)
    np.random.seed(0)
    net = chainer.Sequential(
        links.Convolution2D(3, 4, 3), chainer.functions.relu, links.Linear(None, 3)
    )
    model = links.Classifier(net)
    model(*chainer.dataset.concat_examples([data[0]]))
    ft.freeze(model, "/predictor/0")
    optimizer = chainer.optimizers.MomentumSGD(0.01).setup(model)
    batches = Batches(data, 7, workers=workers)
    updater = training.StandardUpdater(batches, optimizer)
    trainer = training.Trainer(updater, (3, "epoch"), out)
    held = Batches(Dataset(images, "val", preprocessing), 7, repeat=False, shuffle=False, workers=0)
    trainer.extend(training.extensions.Evaluator(held, model))
    if cache is not None:
        trainer.extend(cache)
    trainer.run()
    assert cache is None or not cache.reason
    return {path: param.array for path, param in model.namedparams()}


@pytest.mark.parametrize("workers", [0, 2])
def test_cached_features_are_the_same_to_the_bit(file: Path, tmp_path: Path, workers: int) -> None:
    plain = trained(file, tmp_path / "plain")
    cached = trained(file, tmp_path / "cached", ft.FeatureCache(), workers)
    for path, array in plain.items():
        np.testing.assert_array_equal(array, cached[path])


def test_drawn_augmentations_can_be_cached(file: Path, tmp_path: Path) -> None:
    assert trained(file, tmp_path, ft.FeatureCache(draws=2))
