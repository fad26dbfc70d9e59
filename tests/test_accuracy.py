"""Real weights, read through the front door, still know what they knew.

The figures were measured once with an independent implementation of each network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft

import chainer  # isort: skip
from chainer import functions, links

Images = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def mnist(shared: Path) -> Images:
    """The 10,000 test digits, 0..255, and their labels."""
    with np.load(shared / "data/datasets/mnist_cifar_samples/test.npz") as file:
        return file["x"].reshape(-1, 1, 28, 28).astype("f4"), file["y"]


@pytest.fixture(scope="module")
def cifar(shared: Path) -> dict[str, Images]:
    """100 images for training and 100 for testing, RGB, 0..255, without their common mean."""
    folder = shared / "data/datasets/mnist_cifar_samples"
    data = {
        part: [
            np.load(folder / f"cifar10-{part}-{kind}.npz")["arr_0"] for kind in ("data", "labels")
        ]
        for part in ("train", "test")
    }
    mean = np.concatenate([images for images, _ in data.values()]).mean(axis=0)
    return {part: (255 * (images - mean), labels) for part, (images, labels) in data.items()}


def forward(net: Callable[[np.ndarray], chainer.Variable], x: np.ndarray) -> np.ndarray:
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        return np.concatenate([net(x[i : i + 500]).array for i in range(0, len(x), 500)])


def accuracy(net: Callable[[np.ndarray], chainer.Variable], images: Images) -> float:
    x, labels = images
    return float((forward(net, x).argmax(axis=1) == labels).mean())


def max_pool(x: chainer.Variable, size: int, stride: int) -> chainer.Variable:
    return functions.max_pooling_2d(x, size, stride, cover_all=True)  # Caffe rounds up


def average_pool(x: chainer.Variable, size: int, stride: int) -> chainer.Variable:
    """Caffe's: rounded up, and a window over the edge is divided by what it has."""
    rest = [-(n - size) % stride for n in x.shape[2:]]
    edge = ((0, 0), (0, 0), (0, rest[0]), (0, rest[1]))
    sums = functions.average_pooling_2d(functions.pad(x, edge, "constant"), size, stride)
    inside = np.pad(np.ones((1, 1, *x.shape[2:]), "f4"), edge)
    return sums / functions.broadcast_to(
        functions.average_pooling_2d(inside, size, stride), sums.shape
    )


# --- Caffe ----------------------------------------------------------------------------------------


class LeNet(chainer.Chain):
    """``lenet.prototxt``."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = links.Convolution2D(1, 20, 5)
            self.conv2 = links.Convolution2D(20, 50, 5)
            self.ip1 = links.Linear(800, 500)
            self.ip2 = links.Linear(500, 10)

    def forward(self, x: np.ndarray) -> chainer.Variable:
        h = max_pool(self.conv1(x), 2, 2)
        h = max_pool(self.conv2(h), 2, 2)
        return self.ip2(functions.relu(self.ip1(h)))


class Quick(chainer.Chain):
    """``cifar10_quick.prototxt``."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = links.Convolution2D(3, 32, 5, pad=2)
            self.conv2 = links.Convolution2D(32, 32, 5, pad=2)
            self.conv3 = links.Convolution2D(32, 64, 5, pad=2)
            self.ip1 = links.Linear(1024, 64)
            self.ip2 = links.Linear(64, 10)

    def forward(self, x: np.ndarray) -> chainer.Variable:
        h = functions.relu(max_pool(self.conv1(x), 3, 2))
        h = average_pool(functions.relu(self.conv2(h)), 3, 2)
        h = average_pool(functions.relu(self.conv3(h)), 3, 2)
        return self.ip2(self.ip1(h))


class SimpleNet(chainer.Chain):
    """The net inside the caffemodel itself; the prototxt beside it is of another run."""

    _BLOCKS = (
        *(("1", 32), ("1_0", 32), ("2", 32), ("2_1", 32), ("pool", 0), ("2_2", 50), ("3", 64)),
        *(("4", 64), ("4_1", 64), ("4_2", 64), ("pool", 0), ("4_0", 64)),
    )

    def __init__(self) -> None:
        super().__init__()
        inside = 1
        for name, size in self._BLOCKS:
            if name != "pool":
                self.add_link(f"conv{name}", links.Convolution2D(inside, size, 3, pad=1))
                self.add_link(f"bn{name}", links.BatchNormalization(size, eps=1e-5))
                inside = size
        with self.init_scope():
            self.cccp4 = links.Convolution2D(64, 64, 3, pad=1)
            self.cccp5 = links.Convolution2D(64, 64, 3, pad=1)
            self.cccp6 = links.Convolution2D(64, 100, 1)
            self.ip1 = links.Linear(100, 10)

    def forward(self, x: np.ndarray) -> chainer.Variable:
        h = x
        for name, _ in self._BLOCKS:
            if name == "pool":
                h = max_pool(h, 2, 2)
                continue
            h = self[f"conv{name}"](h)
            if name == "4":  # pooled before it is normalised
                h = max_pool(h, 2, 2)
            h = functions.relu(self[f"bn{name}"](h))
        h = functions.relu(self.cccp5(functions.relu(self.cccp4(h))))
        h = functions.relu(self.cccp6(max_pool(h, 2, 2)))
        return self.ip1(max_pool(h, 2, 2))


@pytest.mark.slow
def test_lenet(shared: Path, mnist: Images) -> None:
    net = LeNet()
    outcome = ft.copy(shared / "data/caffe/lenet_v2_ethereon/lenet_iter_10000.caffemodel", net)
    assert outcome.coverage == 1.0
    assert accuracy(net, (mnist[0] / 256, mnist[1])) == 0.9914


def test_cifar10_quick(shared: Path, cifar: dict[str, Images]) -> None:
    net = Quick()
    file = "data/caffe/cifar10_h5_bxuan694/cifar10_quick_iter_5000.caffemodel.h5"
    assert ft.copy(shared / file, net).coverage == 1.0
    assert (accuracy(net, cifar["test"]), accuracy(net, cifar["train"])) == (0.80, 0.81)


def test_cifar10_quick_of_the_first_generation(shared: Path, cifar: dict[str, Images]) -> None:
    """Nobody published its accuracy on these images; chance is 0.1."""
    net = Quick()
    file = "data/caffe/cifar10_quick_v1_everpeace/cifar10_quick_iter_4000.caffemodel"
    assert ft.copy(shared / file, net).coverage == 1.0
    assert min(accuracy(net, cifar["test"]), accuracy(net, cifar["train"])) > 0.7


@pytest.mark.slow
def test_simplenet_with_its_statistics(shared: Path, mnist: Images) -> None:
    """Ten BatchNorms, each with a scale factor, and a Scale layer behind it."""
    net = SimpleNet()
    file = "data/caffe/simplenet_mnist_slim/slimnet_fx_310k_iter_39000.caffemodel"
    assert ft.copy(shared / file, net).coverage == 1.0
    x, labels = mnist[0][:1000], mnist[1][:1000]
    assert accuracy(net, ((x / 255 - 0.1307) / 0.3081, labels)) == 0.997


# --- Chainer --------------------------------------------------------------------------------------


class Siamese(chainer.Chain):
    """The embedding of two digits."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = links.Convolution2D(1, 20, 5)
            self.conv2 = links.Convolution2D(20, 50, 5)
            self.fc3 = links.Linear(800, 500)
            self.fc4 = links.Linear(500, 10)
            self.fc5 = links.Linear(10, 2)

    def forward(self, x: np.ndarray) -> chainer.Variable:
        h = functions.max_pooling_2d(self.conv1(x), 2, 2)
        h = functions.max_pooling_2d(self.conv2(h), 2, 2)
        return self.fc5(self.fc4(functions.relu(self.fc3(h))))


@pytest.mark.slow
@pytest.mark.parametrize(("file", "share"), [("model.npz", 0.976), ("snapshot_iter_13550", 0.963)])
def test_siamese_neighbours(shared: Path, mnist: Images, file: str, share: float) -> None:
    """A digit's nearest neighbour is the same digit."""
    net = Siamese()
    assert ft.copy(shared / "data/chainer/siamese/result" / file, net).coverage == 1.0
    points = forward(net, mnist[0] / 255)
    known, asked = points[:9000], points[9000:]
    distances = ((asked[:, None] - known[None]) ** 2).sum(axis=2)
    nearest = mnist[1][:9000][distances.argmin(axis=1)]
    assert round(float((nearest == mnist[1][9000:]).mean()), 3) == share
