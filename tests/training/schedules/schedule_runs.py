"""A small training with everything that a resume has to bring back, for the tests."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np
from chainer import training
from chainer.training import extensions

import chainer_ft as ft


class Net(chainer.Chain):
    """Statistics, dropout, and layers enough for three phases."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv = L.Linear(6, 8)
            self.bn = L.BatchNormalization(8)
            self.mid = L.Linear(8, 8)
            self.fc = L.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        h = F.relu(self.bn(self.conv(x)))
        return self.fc(F.dropout(F.relu(self.mid(h)), 0.2))


def schedule() -> ft.Schedule:
    """Head alone; all but the first layer until the metric is no better; everything."""
    return ft.Schedule(
        [
            ft.Phase("1 epoch", freeze="all_but(/predictor/fc)", name="head"),
            ft.Phase(
                "6 epochs",
                freeze="/predictor/conv",
                lr=0.5,
                until=ft.EarlyStopping("validation/main/loss", patience=2),
                name="middle",
            ),
            ft.Phase("9 iterations", lr={"/predictor/conv": 0.1}, name="all"),
        ]
    )


def examples(seed: int, count: int) -> chainer.datasets.TupleDataset:
    """Noise: its validation loss soon gets worse, so that the best weights are old ones."""
    drawn = np.random.RandomState(seed)
    numbers = drawn.randn(count, 6).astype("f")
    return chainer.datasets.TupleDataset(numbers, drawn.randint(0, 3, count).astype("i"))


def make_trainer(
    out: Path | str,
    wanted: ft.Schedule | None = None,
    optimizer: chainer.Optimizer | None = None,
    epochs: int = 20,
    every: int = 3,
    autoload: bool = False,
) -> training.Trainer:
    """A trainer with a schedule, a log, an evaluator and snapshots."""
    np.random.seed(0)
    random.seed(0)
    model = L.Classifier(Net())
    optimizer = optimizer or chainer.optimizers.Adam(0.05)
    optimizer.setup(model)
    optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(1e-3))
    optimizer.add_hook(chainer.optimizer_hooks.GradientClipping(1.0))
    batches = chainer.iterators.SerialIterator(examples(1, 64), 10)
    held_out = chainer.iterators.SerialIterator(examples(2, 32), 16, repeat=False, shuffle=False)
    updater = training.StandardUpdater(batches, optimizer)
    trainer = training.Trainer(updater, (epochs, "epoch"), out=str(out))
    trainer.extend(extensions.Evaluator(held_out, model))
    trainer.extend(extensions.LogReport(trigger=(2, "iteration")))
    trainer.extend(ft.extensions.Schedule(wanted or schedule()))
    if hasattr(optimizer, "alpha"):  # the multipliers of the phases follow it
        slower = extensions.ExponentialShift("alpha", 0.9)
        trainer.extend(slower, trigger=(4, "iteration"))
    taking = extensions.snapshot(autoload=autoload, n_retains=-1)
    trainer.extend(taking, trigger=(every, "iteration"))
    return trainer


def arrays(trainer: training.Trainer) -> Iterator[tuple[str, np.ndarray]]:
    """Everything that a snapshot holds, besides the clock and the log, which has it too."""
    for path, array in chainer.serializers.npz.serialize(trainer).items():
        if "elapsed_time" not in path and "LogReport" not in path:
            yield path, array


class KillAt:
    """Ends the process by SIGKILL in an iteration; ``priority`` says where in it."""

    trigger = (1, "iteration")
    name = "kill"

    def __init__(self, iteration: int, priority: int) -> None:
        self.iteration, self.priority = iteration, priority

    def __call__(self, trainer: training.Trainer) -> None:
        if trainer.updater.iteration == self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)
