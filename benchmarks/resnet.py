"""A residual net of 18 layers, and the ways to train nothing but its head."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import chainer
import numpy as np
from chainer import functions, links

import chainer_ft as ft

CLASSES = 10


class Block(chainer.Chain):
    """Two convolutions and a way around them (He et al. 2016)."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = links.Convolution2D(into, out, 3, stride, 1, nobias=True)
            self.bn1 = links.BatchNormalization(out)
            self.conv2 = links.Convolution2D(out, out, 3, 1, 1, nobias=True)
            self.bn2 = links.BatchNormalization(out)
            if into != out:
                self.around = links.Convolution2D(into, out, 1, stride, nobias=True)

    def forward(self, x: Any) -> Any:
        h = functions.relu(self.bn1(self.conv1(x)))
        around = self.around(x) if hasattr(self, "around") else x
        return functions.relu(self.bn2(self.conv2(h)) + around)


class ResNet18(chainer.Chain):
    """The net.

    Args:
        width: Channels of the first stage.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        with self.init_scope():
            self.conv1 = links.Convolution2D(3, width, 3, 1, 1, nobias=True)
            self.bn1 = links.BatchNormalization(width)
            self.stages = chainer.ChainList(
                *(
                    chainer.ChainList(Block(into, out, 1 + (into != out)), Block(out, out, 1))
                    for into, out in pairwise(widths)
                )
            )
            self.fc = links.Linear(widths[-1], CLASSES)

    def forward(self, x: Any) -> Any:
        h = functions.relu(self.bn1(self.conv1(x)))
        for stage in self.stages:
            for block in stage:
                h = block(h)
        return self.fc(functions.average(h, axis=(2, 3)))


def stepper(how: str, width: int, device: str) -> Callable[[], object]:
    """A function that trains one step.

    Args:
        how: ``full`` trains everything; ``disable_update``, ``freeze`` and ``freeze two stages``
            leave a part standing.
        width: Of the net.
        device: Where, ``@numpy`` or ``@cupy:0``.
    """
    np.random.seed(0)
    model = links.Classifier(ResNet18(width))
    chosen = chainer.get_device(device)
    model.to_device(chosen)
    optimizer = chainer.optimizers.MomentumSGD(0.01).setup(model)
    body = [link for link in model.predictor.children() if link is not model.predictor.fc]
    if how == "disable_update":
        for link in body:
            link.disable_update()
    elif how == "freeze":
        ft.freeze(model, ft.all_but("/predictor/fc"))
    elif how == "freeze two stages":
        ft.freeze(model, ft.until("/predictor/stages/1"))
    images = chosen.send(np.random.rand(8, 3, 64, 64).astype(np.float32))
    labels = chosen.send(np.random.randint(0, CLASSES, 8).astype(np.int32))
    return lambda: optimizer.update(model, images, labels)
