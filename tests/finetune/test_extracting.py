"""Features of a layer as HDF5: whole, resumable, the same however they came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chainer
import h5py
import numpy as np
import pytest
from feature_nets import Residual, data

from chainer_ft.errors import FormatError
from chainer_ft.finetune.extracting import Extracted, Part, extract
from chainer_ft.images import Dataset, Preprocessing, find


def _parts() -> list[Part]:
    images, labels = data(21)
    return [
        Part(
            name,
            list(zip(images[part], labels[part], strict=True)),
            labels[part].tolist(),
            [f"{name} {i}" for i in range(len(labels[part]))],
        )
        for name, part in (("train", slice(15)), ("val", slice(15, None)))
    ]


def _net() -> chainer.Link:
    np.random.seed(0)
    return Residual()


def _extract(out: Path, **options: Any) -> Extracted:
    given = {"layer": "/blocks/1", "classes": "abcde", "about": {"data": "x"}, "batch_size": 4}
    return extract(_net(), _parts(), out, **{**given, **options})


def test_what_is_in_the_file(tmp_path: Path) -> None:
    made = _extract(tmp_path / "f.h5")
    assert made.counts == {"train": 15, "val": 6} and made.shape == (8, 4, 4)
    net, (images, labels) = _net(), data(21)
    with chainer.using_config("train", False):
        hidden = chainer.functions.max_pooling_2d(net.blocks[0](images), 2)
        expected = net.blocks[1](hidden).array
    with h5py.File(tmp_path / "f.h5") as file:
        np.testing.assert_allclose(file["train/features"][:], expected[:15], rtol=1e-5, atol=1e-6)
        assert file["val/labels"][:].tolist() == labels[15:].tolist()
        assert file["val/names"].asstr()[0] == "val 0"
        assert "".join(file["classes"].asstr()[:]) == "abcde"
        about = json.loads(file.attrs["chainer_ft"])
    assert about == {"schema": "chainer_ft.features_hdf5/1", "layer": "/blocks/1", "data": "x"}
    assert [p.name for p in tmp_path.iterdir()] == ["f.h5"]


def test_many_images_are_prepared_by_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (600, 8, 8, 3)).astype(np.uint8)
    np.savez(tmp_path / "many.npz", x=pixels, y=np.arange(600) % 5)
    images = Dataset(find(tmp_path / "many.npz"), "all", Preprocessing((8, 8)))
    part = Part("all", images, images.samples.labels.tolist(), [str(i) for i in range(600)])
    asked, ahead = [], Dataset.ahead

    def spy(self: Dataset, batches: Any, workers: int) -> Any:
        asked.append(workers)
        return ahead(self, batches, workers)

    monkeypatch.setattr(Dataset, "ahead", spy)
    found = []
    for workers in (0, 4):
        extract(_net(), [part], tmp_path / "f.h5", layer="/blocks/1", workers=workers)
        with h5py.File(tmp_path / "f.h5") as file:
            found.append(file["all/features"][:].tobytes())
    assert found[0] == found[1] and asked == [1]


def test_an_interrupted_run_goes_on_and_gives_the_same(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done >= 16:  # in the second part
            raise KeyboardInterrupt

    (tmp_path / "other").mkdir()
    whole = _extract(tmp_path / "other" / "f.h5")
    with pytest.raises(KeyboardInterrupt):
        _extract(tmp_path / "f.h5", progress=interrupt)
    assert not (tmp_path / "f.h5").exists()
    again = _extract(tmp_path / "f.h5")
    assert (whole.computed, again.computed) == (6, 1)
    with h5py.File(tmp_path / "f.h5") as one, h5py.File(tmp_path / "other" / "f.h5") as other:
        for name in ("train/features", "val/features"):
            assert one[name][:].tobytes() == other[name][:].tobytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.h5", "other"]


def test_another_layer_begins_anew(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _extract(tmp_path / "f.h5", progress=interrupt)
    assert _extract(tmp_path / "f.h5", layer=None).computed == 6


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no folder"):
        _extract(tmp_path / "nowhere" / "f.h5")
