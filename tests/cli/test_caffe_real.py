"""``chainer-ft caffe`` on the files of real repositories, with real images in both databases."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from chainer_ft.caffe.binary_writer import to_binary
from chainer_ft.caffe.data.datum import make_datum
from chainer_ft.caffe.message import Message
from chainer_ft.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "caffe" / "data"))
from makers import batch, make_leveldb, make_lmdb

KINDS = ("train", "test")


@pytest.fixture(scope="module")
def images(shared: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """100 images of CIFAR-10 for training and 100 for testing, uint8, and their classes."""
    folder, found = shared / "data" / "datasets" / "mnist_cifar_samples", {}
    for kind in KINDS:
        with np.load(folder / f"cifar10-{kind}-data.npz") as data:
            pixels = np.rint(data["arr_0"] * 255).astype(np.uint8)
        with np.load(folder / f"cifar10-{kind}-labels.npz") as labels:
            found[kind] = (pixels, labels["arr_0"])
    return found


def prepare(folder: Path, images: dict[str, tuple[np.ndarray, np.ndarray]], backend: str) -> None:
    """Databases and mean as the scripts beside the recipe make them; red comes first there."""
    folder.mkdir(parents=True)
    for kind, (pixels, labels) in images.items():
        both = enumerate(zip(pixels, labels, strict=True))
        records = [(b"%05d" % i, make_datum(image, int(label))) for i, (image, label) in both]
        if backend == "lmdb":
            make_lmdb(folder / f"cifar10_{kind}_lmdb", records)
        else:
            make_leveldb(folder / f"cifar10_{kind}_leveldb", {3: [batch(1, records)]})
    mean = np.concatenate([pixels for pixels, _ in images.values()]).mean(axis=0, dtype=np.float64)
    blob = Message("BlobProto", num=1, channels=3, height=32, width=32)
    blob.set("data", mean.astype(np.float32).ravel())
    (folder / "mean.binaryproto").write_bytes(to_binary(blob))


def accuracy(model: str, weights: Path, capsys: pytest.CaptureFixture[str]) -> float:
    arguments = ["-model", model, "-weights", str(weights), "-iterations", "1"]
    assert main(["caffe", "test", *arguments]) == 0
    return float(re.findall(r"\] accuracy = (\S+)", capsys.readouterr().err)[-1])


def test_cifar10_quick_of_2014_as_it_stands(
    shared: Path, images: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """V1 syntax, LevelDB, paths relative to the current folder."""
    recipe = shared / "data" / "caffe" / "cifar10_quick_v1_everpeace"
    prepare(tmp_path / "examples" / "cifar10", images, "leveldb")
    model = "examples/cifar10/cifar10_quick_train_test.prototxt"
    shutil.copy(recipe / "cifar10_quick_train_test.prototxt", tmp_path / model)
    monkeypatch.chdir(tmp_path)
    found = accuracy(model, recipe / "cifar10_quick_iter_4000.caffemodel", capsys)
    assert found == pytest.approx(0.75, abs=0.015)


def test_cifar10_quick_with_hdf5_weights(
    shared: Path, images: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its 80 % on these images; the paths of its author's machine are replaced."""
    recipe = shared / "data" / "caffe" / "cifar10_h5_bxuan694"
    prepare(tmp_path / "cifar10", images, "lmdb")
    text = (recipe / "cifar10_quick_train_test.prototxt").read_text()
    model = tmp_path / "net.prototxt"
    model.write_text(text.replace("/mnt/data/cifar10", str(tmp_path / "cifar10")))
    weights = recipe / "cifar10_quick_iter_5000.caffemodel.h5"
    assert accuracy(str(model), weights, capsys) == pytest.approx(0.80, abs=0.005)
