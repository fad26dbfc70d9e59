"""Training with Chainer's own Trainer, and the accuracy on the way."""

from __future__ import annotations

import chainer
import numpy as np
from chainer import training
from data import Set


def trainer_of(
    net: chainer.Chain, train: Set, batch: int, steps: int, seed: int
) -> training.Trainer:
    """A Trainer with Adam, as Chainer's examples make it.

    Args:
        net: What to train.
        train: Images and labels.
        batch: Images a step.
        steps: Length of the training.
        seed: Decides in which order images come.
    """
    model = chainer.links.Classifier(net)
    optimizer = chainer.optimizers.Adam().setup(model)
    sampler = chainer.iterators.ShuffleOrderSampler(np.random.RandomState(seed))
    data = chainer.datasets.TupleDataset(*train)
    iterator = chainer.iterators.SerialIterator(data, batch, order_sampler=sampler)
    updater = training.StandardUpdater(iterator, optimizer)
    return training.Trainer(updater, (steps, "iteration"), out="out/digits")


def accuracy(net: chainer.Chain, test: Set) -> float:
    """Share of images that are told right."""
    images, labels = test
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        parts = [net(images[i : i + 64]).array for i in range(0, len(images), 64)]
    return float((np.concatenate(parts).argmax(1) == labels).mean())


def curve(
    net: chainer.Chain, train: Set, test: Set, steps: int, every: int, seed: int
) -> list[float]:
    """Train, all images at once; accuracy before the first step and after every few."""
    found = [accuracy(net, test)]
    trainer = trainer_of(net, train, len(train[0]), steps, seed)

    @training.make_extension(trigger=(every, "iteration"))
    def look(_: training.Trainer) -> None:
        found.append(accuracy(net, test))

    trainer.extend(look)
    trainer.run()
    return found
