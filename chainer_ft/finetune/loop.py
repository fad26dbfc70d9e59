"""The trainer of a run, made of Chainer's parts and public extensions."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np
from chainer import optimizer_hooks, optimizers
from chainer.training import Trainer
from chainer.training.extensions import Evaluator, LogReport, observe_value
from chainer.training.updaters import StandardUpdater

from chainer_ft.finetune.building import Built
from chainer_ft.finetune.feature_cache import FeatureCache
from chainer_ft.finetune.settings import Settings
from chainer_ft.images import Batches, Dataset
from chainer_ft.training import extensions
from chainer_ft.training.schedules import Schedule


@dataclass(frozen=True)
class Task:
    """One training.

    Args:
        folder: Where its log, snapshot and weights go.
        built: The model.
        schedule: What trains when.
        lr: Learning rate that the schedule's factors multiply.
        train: The images to learn from.
        val: The images to judge by.
        features: Folder for features of what is frozen; of this training alone unless it is named.
    """

    folder: str
    built: Built
    schedule: Schedule
    lr: float
    train: Dataset
    val: Dataset
    features: str | None = None


def make_optimizer(settings: Settings, lr: float) -> Any:
    """The optimizer, not set up yet."""
    if settings.optimizer == "adamw":  # Chainer's does not multiply the decay by the rate
        return optimizers.AdamW(lr, weight_decay_rate=lr * settings.base_decay)
    return optimizers.MomentumSGD(lr)


def make_updater(settings: Settings, task: Task) -> StandardUpdater:
    """The updater: a classifier around the predictor, and batches that are prepared ahead."""
    classifier = chainer.links.Classifier(task.built.predictor)
    classifier.to_device(settings.device)
    optimizer = make_optimizer(settings, task.lr).setup(classifier)
    if settings.optimizer == "sgd":
        optimizer.add_hook(optimizer_hooks.WeightDecay(settings.base_decay))
    batches = Batches(task.train, settings.batch_size, seed=settings.seed, workers=settings.workers)
    return StandardUpdater(batches, optimizer, device=settings.device)


def make_trainer(settings: Settings, task: Task) -> Trainer:
    """The trainer, with all that changes or measures the training; nothing that only shows."""
    updater = make_updater(settings, task)
    trainer = Trainer(updater, (settings.epochs, "epoch"), out=task.folder)
    model = task.built.model
    trainer.extend(extensions.Schedule(task.schedule, model=model, meant=("untrained",)))
    if settings.curve == "one-cycle":
        trainer.extend(extensions.OneCycle())
    elif settings.curve == "cosine":
        trainer.extend(extensions.Cosine())
    if settings.cache:
        trainer.extend(
            FeatureCache(task.features, draws=settings.draws, keep=task.features is not None)
        )
    classifier = updater.get_optimizer("main").target
    trainer.extend(Evaluator(val_batches(settings, task.val), classifier, device=settings.device))
    trainer.extend(extensions.WeightDrift(filename=None))
    trainer.extend(observe_value("lr", _rate), trigger=(1, "epoch"))
    trainer.extend(LogReport(filename="log"))
    return trainer


def val_batches(settings: Settings, val: Dataset) -> Batches:
    """All images for validation, once and in order."""
    size = val_size(settings, len(val))
    return Batches(val, size, repeat=False, shuffle=False, workers=settings.workers)


def val_size(settings: Settings, count: int) -> int:
    """Images in a batch for validation: all of about one size.

    Chainer's Evaluator gives the mean of the batches, to which a small last one would count as
    much as the others.
    """
    return -(-count // -(-count // settings.batch_size))


def _rate(trainer: Trainer) -> float:
    """What the user set, not Adam's corrected step."""
    optimizer = trainer.updater.get_optimizer("main")
    return float(optimizer.alpha if hasattr(optimizer, "alpha") else optimizer.lr)


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Draw from generators with this seed; those outside go on as if nothing had been drawn."""
    before, own = np.random.get_state(), random.getstate()
    np.random.seed(seed % (1 << 32))
    random.seed(seed)
    if chainer.get_device(device).xp is not np:
        chainer.get_device(device).use()
        chainer.backends.cuda.cupy.random.seed(seed)
        os.environ.setdefault("CHAINER_SEED", str(seed))  # of cuDNN's dropout
    try:
        yield
    finally:
        np.random.set_state(before)
        random.setstate(own)
