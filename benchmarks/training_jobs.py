"""Training steps and runs, as jobs; see jobs.py."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Any

Work = Callable[[], object]

logging.getLogger("chainer_ft").setLevel("ERROR")  # it tells what a freeze does


def clock_of(device: str) -> Callable[[], float]:
    """CPU seconds where the CPU does the work: others on a busy machine do not count."""
    if device == "@numpy":
        return time.process_time
    import cupy

    def clock() -> float:
        cupy.cuda.Device().synchronize()
        return time.perf_counter()

    return clock


def _timed(work: Work, device: str) -> Work:
    clock = clock_of(device)

    def timed() -> dict[str, float]:
        start = clock()
        work()
        return {"seconds": clock() - start}

    return timed


def step(how: str, width: str, steps: str, device: str) -> Work:
    """Steps after two that are not timed."""
    from resnet import stepper

    once = stepper(how, int(width), device)
    once()
    once()

    def work() -> None:
        for _ in range(int(steps)):
            once()

    return _timed(work, device)


def step_memory(how: str, width: str, device: str) -> Work:
    """The first two steps: what they add to a model and its optimizer."""
    from resnet import stepper

    once = stepper(how, int(width), device)
    if device == "@numpy":
        return lambda: (once(), once())
    import cupy

    pool = cupy.get_default_memory_pool()
    before = pool.total_bytes()

    def work() -> dict[str, int]:
        once()
        once()
        return {"extra": pool.total_bytes() - before}

    return work


def run(how: str, epochs: str, device: str) -> Work:
    """A Trainer on a small net: ``plain``, with ``extensions``, or with a ``schedule`` too.

    All freeze the same and multiply the same, so that the steps are equal.
    """
    import chainer
    import numpy as np

    import chainer_ft as ft

    np.random.seed(0)
    model = _small_net()
    model.to_device(device)
    optimizer = chainer.optimizers.MomentumSGD(0.01).setup(model)
    data = np.random.rand(10_000, 784).astype(np.float32), np.arange(10_000, dtype=np.int32) % 10
    batches = chainer.iterators.SerialIterator(chainer.datasets.TupleDataset(*data), 50)
    updater = chainer.training.StandardUpdater(batches, optimizer, device=device)
    trainer = chainer.training.Trainer(updater, (int(epochs), "epoch"), out=os.devnull)
    if how == "plain":
        ft.freeze(model, "/predictor/0")
        ft.learning_rates(model, {"/predictor/2": 10})
    else:
        for extension in _extensions(how, int(epochs)):
            trainer.extend(extension)
    return _timed(trainer.run, device)


def _small_net() -> Any:
    import chainer
    from chainer import functions, links

    layers = [links.Linear(784, 100), functions.relu, links.Linear(100, 100), functions.relu]
    return links.Classifier(chainer.Sequential(*layers, links.Linear(100, 10)))


def _extensions(how: str, epochs: int) -> list[Any]:
    import io

    import chainer_ft as ft

    frozen, rates = "/predictor/0", {"/predictor/2": 10}
    phase = ft.Phase(f"{epochs} epochs", freeze=frozen, lr=rates)
    setting = {
        "extensions": [ft.extensions.Freeze(frozen), ft.extensions.LearningRates(rates)],
        "schedule": [ft.extensions.Schedule(ft.Schedule([phase]))],
    }
    looking = [ft.extensions.Summary(out=io.StringIO()), ft.extensions.WeightDrift(filename=None)]
    return setting[how] + looking
