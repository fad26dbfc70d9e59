"""Examples, by number; statistics of them, and what these say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainer_ft.images import Augmentation, Dataset, Preprocessing, Statistics, find

SMALL = Preprocessing((8, 8))


def test_parts_and_labels(folder: Path) -> None:
    images = find(folder)
    parts = {part: Dataset(images, part, SMALL) for part in ("train", "val", "all")}
    assert [len(data) for data in parts.values()] == [16, 4, 20]
    for data, items in ((parts["train"], images.train), (parts["all"], images.train + images.val)):
        assert [int(t) for _, t in data[:]] == [item.label for item in items]
        assert {t.dtype for _, t in data[:]} == {np.dtype("int32")}


def test_examples_are_what_preprocessing_makes_of_each_picture(folder: Path) -> None:
    images = find(folder)
    data = Dataset(images, "val", SMALL)
    for (x, _), item in zip(data[:], images.val, strict=True):
        np.testing.assert_array_equal(x, SMALL.apply(images.open(item)))


def test_augmentation_depends_on_its_own_seed(folder: Path) -> None:
    images = find(folder)
    made = [Dataset(images, "train", SMALL, Augmentation(), seed)[0][0] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()


class TestStatistics:
    def test_of_all_without_augmentation(self, folder: Path) -> None:
        images = find(folder)
        plain = np.stack([x for x, _ in Dataset(images, "train", SMALL)[:]])
        seen = Dataset(images, "train", SMALL, Augmentation()).samples.statistics()
        np.testing.assert_allclose(seen.mean, Statistics.of(plain).mean)
        np.testing.assert_allclose(seen.std, Statistics.of(plain).std)

    def test_few_are_spread_over_the_classes(self, folder: Path) -> None:
        data = Dataset(find(folder), "train", SMALL)
        ends = np.stack([data[0][0], data[15][0]])
        assert data.samples.statistics(2) == Statistics.of(ends)

    @pytest.mark.parametrize("name", ["torch", "caffe"])
    def test_check(self, shared: Path, name: str) -> None:
        images = find(shared / "data/datasets/sign_language_digits", verify=False)
        own = Preprocessing.named(name, (32, 32))
        assert Dataset(images, "train", own).check() is None
        other = replace(own, channels=own.channels[::-1])
        said = Dataset(images, "train", other).check()
        assert said is not None and f"channel order {own.channels} better" in said
