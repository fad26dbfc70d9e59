"""chainer-ft features, as a command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from chainer_ft.cli.main import main

NET = """
import chainer
import chainer.functions as F
import chainer.links as L


class Net(chainer.Chain):
    def __init__(self):
        super().__init__()
        with self.init_scope():
            self.conv = L.Convolution2D(3, 4, 3)
            self.fc = L.Linear(4, 2)

    def forward(self, x):
        return self.fc(F.average(F.relu(self.conv(x)), axis=(2, 3)))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "feature_verb_net.py").write_text(NET, encoding="utf-8")
    draw = np.random.default_rng(0)
    images, labels = draw.integers(256, size=(20, 8, 8, 3), dtype=np.uint8), np.arange(20) % 2
    np.savez(tmp_path / "images.npz", x=images, y=labels)
    return tmp_path


def _run(*arguments: str) -> int:
    model = ("--model", "feature_verb_net.py:Net", "--size", "8x8")
    return main(["features", "images.npz", *model, "-o", "f.h5", *arguments])


def test_features_of_a_layer(folder: Path, capsys: Any) -> None:
    assert _run("--layer", "/conv") == 0
    printed = capsys.readouterr()
    assert "/conv: 4x6x6 a sample; 16 train, 4 val; 2 classes" in printed.out
    assert "no --weights" in printed.err
    with h5py.File(folder / "f.h5") as file:
        assert file["train/features"].shape == (16, 4, 6, 6)


def test_weights_are_copied_and_what_they_lack_is_said(folder: Path, capsys: Any) -> None:
    np.savez(
        folder / "old.npz", **{"conv/W": np.ones((4, 3, 3, 3), "f"), "conv/b": np.ones(4, "f")}
    )
    assert _run("--weights", "old.npz", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["layer"] == "what /fc reads" and data["shape"] == [4]
    assert data["notes"] == ["/fc/W, /fc/b: not in old.npz"]
    with h5py.File(folder / "f.h5") as file:
        features = file["train/features"][:]
    assert (features > 1).all() and (features[:, :1] == features).all()


def test_a_layer_that_is_not_there(folder: Path, capsys: Any) -> None:
    assert _run("--layer", "/cnv") == 2
    assert "nearest: /conv" in capsys.readouterr().err
    assert not (folder / "f.h5").exists()


def test_a_net_of_caffe(folder: Path, capsys: Any) -> None:
    (folder / "net.prototxt").write_text(
        'layer { name: "data" type: "Input" top: "data"'
        "  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }"
        'layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"'
        "  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }"
        'layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc"'
        "  inner_product_param { num_output: 2 } }",
        encoding="utf-8",
    )
    given = ["images.npz", "--model", "net.prototxt", "--layer", "pool", "-o", "f.h5"]
    assert main(["features", *given]) == 0
    assert "pool: 3x4x4 a sample" in capsys.readouterr().out


def test_names_of_files_that_are_no_utf_8(folder: Path, capsys: Any) -> None:
    photos = folder / "odd"
    for number in range(4):
        name = os.fsencode(photos / "ab"[number % 2]) + b"/caf\xe9%d.png" % number
        os.makedirs(os.path.dirname(name), exist_ok=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(os.fsdecode(name))
    given = ["--model", "feature_verb_net.py:Net", "--size", "8x8", "-o", str(folder / "odd.h5")]
    assert main(["features", str(photos), *given]) == 0
    with h5py.File(folder / "odd.h5") as made:
        names = {name for part in made if part != "classes" for name in made[part]["names"][:]}
    assert names == {b"ab"[n % 2 : n % 2 + 1] + b"/caf\xe9%d.png" % n for n in range(4)}


def test_a_batch_of_none_is_refused(folder: Path, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main(["features", "photos", "--model", "net.py:Net", "-o", "f.h5", "--batch-size", "0"])
    assert "'0' is no whole number from 1" in capsys.readouterr().err
