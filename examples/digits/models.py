"""Two nets for images of digits: one body, two heads."""

from __future__ import annotations

import chainer
import chainer.functions as F  # noqa: N812  the names that Chainer people write
import chainer.links as L  # noqa: N812


class Body(chainer.Chain):
    """Three convolutions with BatchNormalization; 64 numbers an image come out."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(1, 16, 3, pad=1, nobias=True)
            self.bn1 = L.BatchNormalization(16)
            self.conv2 = L.Convolution2D(16, 32, 3, pad=1, nobias=True)
            self.bn2 = L.BatchNormalization(32)
            self.conv3 = L.Convolution2D(32, 64, 3, pad=1, nobias=True)
            self.bn3 = L.BatchNormalization(64)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.max_pooling_2d(F.relu(self.bn2(self.conv2(h))), 2)
        return F.max(F.relu(self.bn3(self.conv3(h))), axis=(2, 3))


class ZeroToFour(Body):
    """The net that somebody has trained; its head is called fc."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.fc = L.Linear(64, 5)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        return self.fc(super().forward(x))


class FiveToNine(Body):
    """The net that somebody wants; its head is called score."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.score = L.Linear(64, 5)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        return self.score(super().forward(x))
