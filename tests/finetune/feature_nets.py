"""Nets of every shape that features have to be cut out of, and a training of them."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np
from chainer.training import extensions

import chainer_ft as ft
from chainer_ft.caffe import Net, parse_net

Array = Any


class Block(chainer.Chain):  # type: ignore[misc]
    """Two convolutions with BatchNormalization, and a shortcut."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(inside, outside, 3, pad=1, nobias=True)
            self.bn1 = L.BatchNormalization(outside)
            self.conv2 = L.Convolution2D(outside, outside, 3, pad=1, nobias=True)
            self.bn2 = L.BatchNormalization(outside)
            self.shortcut = L.Convolution2D(inside, outside, 1)

    def forward(self, x: Array) -> Array:
        h = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(h)) + self.shortcut(x))


class Residual(chainer.Chain):  # type: ignore[misc]
    """Blocks in a ChainList; BatchNormalization and dropout above them."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.blocks = chainer.ChainList(Block(3, 4), Block(4, 8), Block(8, 8))
            self.bn = L.BatchNormalization(8)
            self.fc = L.Linear(8, 5)

    def forward(self, x: Array) -> Array:
        for block in self.blocks:
            x = F.max_pooling_2d(block(x), 2)
        return self.fc(F.dropout(self.bn(F.average(x, axis=(2, 3))), 0.3))


class Branches(chainer.Chain):  # type: ignore[misc]
    """A frozen and a live branch of the input, and a skip from the input to the end."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.live = L.Convolution2D(3, 4, 3, pad=1)
            self.body = L.Convolution2D(3, 4, 3, pad=1)
            self.fc = L.Linear(4 + 4 + 3, 5)

    def forward(self, x: Array) -> Array:
        parts = [F.relu(self.live(x)), F.relu(self.body(x)), chainer.as_variable(x)]
        return self.fc(F.average(F.concat(parts), axis=(2, 3)))


class Late(chainer.Chain):  # type: ignore[misc]
    """Two frozen depths are read; noise is drawn in the live part, between them."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(3, 4, 3)
            self.conv2 = L.Convolution2D(4, 6, 3)
            self.side = L.Linear(4, 6)
            self.fc = L.Linear(None, 5)

    def forward(self, x: Array) -> Array:
        low = F.relu(self.conv1(x))
        side = F.dropout(self.side(F.average(low, axis=(2, 3))), 0.5)
        high = F.relu(self.conv2(low))
        return self.fc(F.concat([F.max_pooling_2d(high, 2).reshape(len(x), -1), side]))


class Reading(chainer.Chain):  # type: ignore[misc]
    """Code of its own works on the input's numbers, and on the labels'."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.body = L.Linear(3 * 8 * 8, 6)
            self.fc = L.Linear(6, 5)

    def forward(self, x: Array) -> Array:
        return self.fc(F.tanh(self.body(x / np.float32(2) - x.mean(axis=0, keepdims=True) * 0)))


def sequential() -> chainer.Sequential:
    """Links and functions in a row; Chainer calls the links /0, /3, /2 and /1."""
    return chainer.Sequential(
        L.Convolution2D(3, 4, 3),
        F.relu,
        L.BatchNormalization(4),
        L.Linear(None, 7),
        F.sigmoid,
        L.Linear(7, 5),
    )


PROTOTXT = """
name: "small"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
        pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool" top: "ip1"
        inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
"""


class OfCaffe(chainer.Chain):  # type: ignore[misc]
    """A net of Caffe, and its scores alone."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.net = Net(parse_net(PROTOTXT), phase="TRAIN")

    def forward(self, x: Array) -> Array:
        return self.net(x)[0]


#: The net, and what of it is frozen.
NETS: dict[str, tuple[Callable[[], chainer.Chain], tuple[str, ...]]] = {
    "all but the head": (Residual, ("/blocks", "/bn")),
    "two blocks of three": (Residual, ("/blocks/0", "/blocks/1")),
    "a live branch": (Branches, ("/body",)),
    "two depths": (Late, ("/conv*",)),
    "code of its own": (Reading, ("/body",)),
    "a net of Caffe": (OfCaffe, ("/net/conv", "/net/ip1")),
    "a list": (sequential, ("/0", "/3")),
}


@dataclass
class Run:
    """A training and what came of it."""

    trainer: chainer.training.Trainer
    cache: ft.FeatureCache | None

    @property
    def model(self) -> chainer.Link:
        return self.trainer.updater.get_optimizer("main").target

    def bits(self) -> dict[str, bytes]:
        """All that the training has made, to the bit."""
        arrays: dict[str, Any] = {"random": np.random.rand(2), "python": random.random()}
        kept: dict[str, Any] = {}
        chainer.serializers.DictionarySerializer(kept).save(self.model)
        chainer.serializers.DictionarySerializer(kept)["optimizer"].save(
            self.trainer.updater.get_optimizer("main")
        )
        arrays |= kept
        for i, entry in enumerate(self.trainer.get_extension("LogReport").log):
            arrays |= {f"{i} {k}": v for k, v in entry.items() if k != "elapsed_time"}
        return {name: np.asarray(value).tobytes() for name, value in arrays.items()}


def data(count: int = 37, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images with something to learn, and labels."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(5, size=count).astype(np.int32)
    images = draw.standard_normal((count, 3, 8, 8)).astype(np.float32)
    images[np.arange(count), 0, :, :5] += labels[:, None, None]
    return images, labels


def training(
    out: Path,
    name: str = "two blocks of three",
    *,
    cached: bool = True,
    epochs: int = 3,
    extend: tuple[Any, ...] = (),
    iterator: Any = None,
    **options: Any,
) -> Run:
    """A trainer of one of the nets with an Evaluator, ready to run."""
    np.random.seed(0)
    random.seed(0)
    make, still = NETS[name]
    images, labels = data()
    net = make()
    net(images[:2])
    model = L.Classifier(net)
    logging.disable(logging.WARNING)
    ft.freeze(net, *still)
    logging.disable(logging.NOTSET)
    optimizer = chainer.optimizers.MomentumSGD(0.02).setup(model)
    dataset = chainer.datasets.TupleDataset(images, labels)
    make_iterator = iterator or chainer.iterators.SerialIterator
    updater = chainer.training.StandardUpdater(make_iterator(dataset, 8), optimizer)
    trainer = chainer.training.Trainer(updater, (epochs, "epoch"), out=str(out))
    check = chainer.iterators.SerialIterator(dataset[:21], 8, repeat=False, shuffle=False)
    trainer.extend(extensions.Evaluator(check, model))
    trainer.extend(extensions.LogReport())
    for extension in extend:
        trainer.extend(extension)
    cache = ft.FeatureCache(**options) if cached else None
    if cache is not None:
        trainer.extend(cache)
    return Run(trainer, cache)
