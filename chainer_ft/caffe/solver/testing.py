"""Passes that train nothing: of a test net over its batches, and the one that ends a run."""

from __future__ import annotations

from collections.abc import Callable

import chainer
import numpy as np

from chainer_ft.caffe.solver.randomness import seeded
from chainer_ft.caffe.solver.running import Running, as_float
from chainer_ft.caffe.solver.scores import MeanOutputs, Output
from chainer_ft.caffe.solver.updater import Updater


def mean_outputs(
    running: Running, may_go_on: Callable[[], bool] = lambda: True
) -> tuple[np.float32, list[Output]] | None:
    """Run ``test_iter`` batches.

    Args:
        running: The net and its batches.
        may_go_on: Asked before each batch.

    Returns:
        tuple: The loss and the outputs, plain means over the batches; ``None`` if it was stopped.
    """
    means, total = MeanOutputs(), np.float32(0)
    for _ in range(running.test_iter):
        if not may_go_on():
            return None
        with chainer.no_backprop_mode():
            loss, outputs = running.forward()
        total += as_float(loss)
        means.add(outputs)
    with np.errstate(all="ignore"):  # test_iter may be 0
        return total / np.float32(running.test_iter), means.mean(running.test_iter)


def closing_loss(updater: Updater) -> np.float32:
    """The loss of one more batch of training, for the log; statistics move, as in Caffe."""
    with seeded(updater.seed, updater.iteration), chainer.no_backprop_mode():
        loss, _ = updater.running.forward()
    return as_float(loss)
