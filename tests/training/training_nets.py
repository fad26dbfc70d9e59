"""A net with everything that freezing has to cope with, and the nine optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainer
import numpy as np
from chainer import functions as F  # noqa: N812
from chainer import links as L  # noqa: N812
from chainer import optimizers

from chainer_ft.links import slots

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "SGD": lambda: optimizers.SGD(0.05),
    "MomentumSGD": lambda: optimizers.MomentumSGD(0.05),
    "NesterovAG": lambda: optimizers.NesterovAG(0.05),
    "AdaGrad": lambda: optimizers.AdaGrad(0.05),
    "AdaDelta": lambda: optimizers.AdaDelta(),
    "RMSprop": lambda: optimizers.RMSprop(0.01),
    "Adam": lambda: optimizers.Adam(0.01),
    "AdamW": lambda: optimizers.AdamW(0.01, weight_decay_rate=0.1),
    "AMSGrad": lambda: optimizers.AMSGrad(0.01),
}


class Block(chainer.Chain):
    """Two branches with dropout, BatchNormalization behind them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        with self.init_scope():
            self.left = L.Convolution2D(width, width, 3, pad=1)
            self.right = L.Convolution2D(width, width, 1, nobias=True)
            self.bn = L.BatchNormalization(width)

    def forward(self, x: Any) -> Any:
        return F.relu(self.bn(self.left(x) + F.dropout(self.right(x))))


class Net(chainer.Chain):
    """A convolution, a ChainList of blocks, two layers that share one W, a lazy head."""

    def __init__(self, width: int = 4, classes: int = 3) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(3, width, 3, pad=1)
            self.bn1 = L.BatchNormalization(width)
            self.blocks = chainer.ChainList(Block(width), Block(width))
            self.tied = chainer.ChainList(L.Linear(width, width), L.Linear(width, width))
            self.tied[1].W = self.tied[0].W
            self.fc = L.Linear(None, classes)

    def forward(self, x: Any) -> Any:
        h = F.relu(self.bn1(self.conv1(x)))
        for block in self.blocks:
            h = block(h)
        h = F.average(h, axis=(2, 3))
        for layer in self.tied:
            h = F.relu(layer(h))
        return self.fc(F.dropout(h))


def net(seed: int = 0, **options: Any) -> Net:
    """A net with weights of its own seed; the lazy head stays lazy."""
    np.random.seed(seed)
    return Net(**options)


def batch(size: int = 6, classes: int = 3, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Images (size, 3, 6, 6) and labels."""
    generator = np.random.RandomState(seed)
    images = generator.randn(size, 3, 6, 6).astype(np.float32)
    return images, generator.randint(0, classes, size).astype(np.int32)


def train(model: Any, optimizer: Any, steps: int = 3) -> None:
    """Some steps on one batch."""
    images, labels = batch()
    for _ in range(steps):
        optimizer.update(lambda: F.softmax_cross_entropy(model(images), labels))


def arrays(model: Any) -> dict[str, np.ndarray]:
    """Copies of all arrays by path, of persistents too; ``N`` moves only where it is asked to."""
    places = [s for s in slots(model) if s.array is not None and s.name != "N"]
    return {s.path: np.array(s.array) for s in places}


def moved(before: dict[str, np.ndarray], model: Any) -> set[str]:
    """Paths whose bits are not what they were."""
    now = arrays(model)
    return {path for path, array in before.items() if array.tobytes() != now[path].tobytes()}
