"""Images as a data set: its fingerprint."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from makers import make_lmdb
from PIL import Image

from chainer_ft.caffe.data.datum import make_datum
from chainer_ft.errors import FormatError
from chainer_ft.images import Augmentation, Dataset, Preprocessing, find
from chainer_ft.images.pool import Prepared
from chainer_ft.images.samples import Place


def _folder(root: Path) -> Path:
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (8, 8), (i * 20, 9, 9)).save(root / name / f"{i}.png")
    return root


def _fingerprint(root: Path, size: int = 8, augmentation: Augmentation | None = None) -> str:
    return Dataset(find(root), "train", Preprocessing((size, size)), augmentation).fingerprint()


def test_it_is_the_same_for_the_same(tmp_path: Path) -> None:
    root = _folder(tmp_path / "a")
    assert _fingerprint(root) == _fingerprint(root)


def test_a_file_that_is_written_again_changes_it(tmp_path: Path) -> None:
    root = _folder(tmp_path / "a")
    before = _fingerprint(root)
    key = find(root).train[0].key
    Image.new("RGB", (9, 9)).save(root / key)
    assert _fingerprint(root) != before


def test_preprocessing_augmentation_and_part_change_it(tmp_path: Path) -> None:
    root = _folder(tmp_path / "a")
    found = {_fingerprint(root), _fingerprint(root, 4), _fingerprint(root, 8, Augmentation())}
    found.add(Dataset(find(root), "val", Preprocessing((8, 8))).fingerprint())
    assert len(found) == 4


def test_no_image_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Dataset(find(_folder(tmp_path / "a")), "train", Preprocessing((8, 8)))
    monkeypatch.setattr(type(data.samples.store), "open", None)
    assert len(data.fingerprint()) == 32


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    data = Dataset(find(_folder(tmp_path / "a")), "train", Preprocessing((8, 8)))
    os.unlink(tmp_path / "a" / data.samples.items[0].key)
    with pytest.raises(FormatError, match="cannot be opened"):
        data.fingerprint()


def _batches(data: Dataset) -> list[list[Place]]:
    """Every image in three epochs, two at a time."""
    every = [Place(image, epoch) for epoch in range(3) for image in range(len(data))]
    return [every[at : at + 2] for at in range(0, len(every), 2)]


@pytest.mark.parametrize("workers", [1, 3])
def test_prepared_ahead_they_are_the_same(tmp_path: Path, workers: int) -> None:
    """There are more batches than the workers have room for."""
    data = Dataset(find(_folder(tmp_path / "a")), "all", Preprocessing((4, 4)), Augmentation())
    batches = _batches(data)
    for batch, examples in zip(batches, data.ahead(batches, workers), strict=True):
        for place, (x, t) in zip(batch, examples, strict=True):
            expected, label = data.get_example(*place)
            assert x.tobytes() == expected.tobytes() and t == label


def test_workers_end_with_the_last_batch_or_when_nobody_wants_one(tmp_path: Path) -> None:
    data = Dataset(find(_folder(tmp_path / "a")), "all", Preprocessing((4, 4)))
    batches = _batches(data)
    for wanted in (0, 1, len(batches)):
        prepared = Prepared(data.samples, batches, 2)
        processes = [worker.process for worker in prepared._pool._workers]
        coming = iter(prepared)
        for _ in range(wanted):
            next(coming)
        del prepared, coming
        assert [process.poll() is None for process in processes] == [False, False]


def test_prepared_ahead_an_image_that_is_gone_is_named(tmp_path: Path) -> None:
    data = Dataset(find(_folder(tmp_path / "a")), "all", Preprocessing((4, 4)))
    os.unlink(tmp_path / "a" / data.samples.items[3].key)
    with pytest.raises(FormatError, match="cannot be opened"):
        list(data.ahead(_batches(data), 2))


def test_arrays_have_one_file(tmp_path: Path) -> None:
    path = tmp_path / "images.npz"
    np.savez(path, x=np.zeros((6, 4, 4), np.uint8), y=np.arange(6) % 2)
    before = _fingerprint(path)
    np.savez(path, x=np.ones((6, 4, 4), np.uint8), y=np.arange(6) % 2)
    assert _fingerprint(path) != before


def test_a_database_has_one_file(tmp_path: Path) -> None:
    pixels = np.zeros((3, 4, 4), np.uint8)
    make_lmdb(tmp_path / "db", [(b"%08d" % i, make_datum(pixels, label=i % 2)) for i in range(8)])
    before = _fingerprint(tmp_path / "db", 4)
    assert _fingerprint(tmp_path / "db", 4) == before
    os.utime(tmp_path / "db" / "data.mdb", (1, 1))
    assert _fingerprint(tmp_path / "db", 4) != before
