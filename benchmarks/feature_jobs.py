"""Epochs with all of a net training, with its body frozen, and from features; see jobs.py."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from training_jobs import clock_of

Work = Callable[[], object]


def epoch(how: str, which: str, width: str, images: str, device: str) -> Work:
    """One epoch of a Trainer.

    Args:
        how: ``full``, ``frozen`` (all but the head) or ``features``.
        which: ``first``, with whatever is prepared for it, or ``later``: the mean of those behind.
        width: Of the net.
        images: How many, of 32x32.
        device: Where.
    """
    trainer = _trainer(how, int(width), int(images), device)
    clock, times = clock_of(device), []
    epochs = 21 if how == "features" else 2
    trainer.stop_trigger = _until(1 if which == "first" else epochs)
    trainer.extend(lambda _: times.append(clock()), trigger=(1, "epoch"), name="clock")

    def work() -> dict[str, float]:
        start = clock()
        trainer.run()
        end = times[0] - start if which == "first" else (times[-1] - times[0]) / (len(times) - 1)
        return {"seconds": end}

    return work


def _trainer(how: str, width: int, count: int, device: str) -> Any:
    import chainer
    import numpy as np
    from resnet import CLASSES, ResNet18

    import chainer_ft as ft

    np.random.seed(0)
    model = chainer.links.Classifier(ResNet18(width))
    model.to_device(device)
    if how != "full":
        ft.freeze(model, ft.all_but("/predictor/fc"))
    optimizer = chainer.optimizers.MomentumSGD(0.01).setup(model)
    images = np.random.rand(count, 3, 32, 32).astype(np.float32)
    labels = np.random.randint(0, CLASSES, count).astype(np.int32)
    data = chainer.datasets.TupleDataset(images, labels)
    batches = chainer.iterators.SerialIterator(data, 32)
    updater = chainer.training.StandardUpdater(batches, optimizer, device=device)
    trainer = chainer.training.Trainer(updater, (1, "epoch"), out=tempfile.mkdtemp())
    if how == "features":
        trainer.extend(ft.FeatureCache())
    return trainer


def _until(epochs: int) -> Any:
    from chainer.training import triggers

    return triggers.IntervalTrigger(epochs, "epoch")
