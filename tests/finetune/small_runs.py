"""Runs on a small net and ninety small pictures, made in a folder of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np

import chainer_ft as ft
from chainer_ft.finetune.result import RunResult

NET = """\
import chainer
import chainer.functions as F
import chainer.links as L


class Net(chainer.Chain):
    def __init__(self):
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(3, 4, 3)
            self.bn1 = L.BatchNormalization(4)
            self.conv2 = L.Convolution2D(4, 6, 3)
            self.fc = L.Linear(None, 5)

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.dropout(F.relu(self.conv2(h)), 0.2)
        return self.fc(F.average(h, axis=(2, 3)))
"""
#: Four iterations an epoch, the last of which reaches into the next: 72 images, 20 a batch.
OPTIONS: dict[str, Any] = {
    "epochs": 3,
    "lr": 0.01,
    "batch_size": 20,
    "seed": 4,
    "workers": 0,
    "preprocessing": {"size": (8, 8)},
}


class Net(chainer.Chain):  # type: ignore[misc]
    """The net of the file, as a class."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(3, 4, 3)
            self.bn1 = L.BatchNormalization(4)
            self.conv2 = L.Convolution2D(4, 6, 3)
            self.fc = L.Linear(6, classes)

    def forward(self, x: Any) -> Any:
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.dropout(F.relu(self.conv2(h)), 0.2)
        return self.fc(F.average(h, axis=(2, 3)))


def make_files(folder: Path) -> None:
    """Write ``net.py``, ``old.npz`` and ``photos.npz``."""
    random = np.random.RandomState(0)
    labels = np.arange(90) % 3
    tints = (labels[:, None, None, None] == np.arange(3)) * 60
    pixels = np.clip(random.randint(0, 150, (90, 8, 8, 3)) + tints, 0, 255)
    np.savez(folder / "photos.npz", x=pixels.astype(np.uint8), y=labels)
    (folder / "net.py").write_text(NET)
    net = Net()
    for path, param in sorted(net.namedparams()):
        param.array[...] = random.normal(0, 0.3, param.shape) if path.endswith("W") else 0.1
    ft.save(folder / "old.npz", net)


def tune(folder: Path, out: str, **options: Any) -> RunResult:
    """A run; its folder is ``folder / out``."""
    given = {"model": f"{folder}/net.py:Net", "weights": folder / "old.npz", **OPTIONS, **options}
    return ft.fine_tune(data=folder / "photos.npz", out=folder / out, **given)


def arrays(folder: Path) -> dict[str, np.ndarray]:
    """The weights of a run."""
    with np.load(folder / "model.npz") as held:
        return {name: held[name] for name in held.files if not name.endswith(".json")}


def log(folder: Path) -> list[dict[str, Any]]:
    """The log of a run without its times."""
    entries = json.loads((folder / "log").read_text())
    return [{k: v for k, v in one.items() if k != "elapsed_time"} for one in entries]


def assert_same(one: Path, other: Path) -> None:
    """Two runs have the same weights and the same log, bit for bit."""
    first, second = arrays(one), arrays(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.tobytes() == second[name].tobytes(), name
    assert log(one) == log(other)
