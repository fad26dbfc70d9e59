"""``caffe test``: the outputs of a net over batches of its own data."""

from __future__ import annotations

from collections.abc import Callable

import chainer
import numpy as np

from chainer_ft.caffe.solver.log import Log, number
from chainer_ft.caffe.solver.running import Running, as_float
from chainer_ft.caffe.solver.scores import MeanOutputs, Output, score


def score_net(
    running: Running, iterations: int, log: Log, tested: Callable[[int], None] = lambda done: None
) -> list[Output]:
    """Run batches through a net, and say what comes out, as Caffe does.

    Args:
        running: A net in phase TEST, with its feeds.
        iterations: How many batches.
        log: Given a line for each number of each batch, and for the means.
        tested: Called after each batch with the number of those that are done.

    Returns:
        list: The outputs; each number is the plain mean over the batches.
    """
    log("caffe.cpp:281", f"Running for {iterations} iterations.")
    means, total = MeanOutputs(), np.float32(0)
    for i in range(iterations):
        with chainer.no_backprop_mode():
            loss, outputs = running.forward()
        total += as_float(loss)
        for output in outputs:
            for value in output.values:
                log("caffe.cpp:304", f"Batch {i}, {output.name} = {number(value)}")
        means.add(outputs)
        tested(i + 1)
    log("caffe.cpp:309", f"Loss: {number(total / np.float32(iterations))}")
    mean = means.mean(iterations)
    for output in mean:
        for value in output.values:
            log("caffe.cpp:321", score(output, value))
    return mean
