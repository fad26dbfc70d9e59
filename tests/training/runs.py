"""A small training run that can be stopped and resumed, with all that draws random numbers."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chainer
import numpy as np
from chainer import links as L  # noqa: N812
from chainer import training
from chainer.training import extensions
from training_nets import arrays, net

Extend = Callable[[training.Trainer], None]


def trainer(out: Path, length: int, extend: Extend, **options: Any) -> training.Trainer:
    """Build it as a script does; every iteration is logged and leaves a snapshot.

    Args:
        out: Where log and snapshots go.
        length: Iterations.
        extend: Adds extensions.
        options: ``optimizer``, ``iterator`` and ``updater``, functions that make them;
            ``prepare``, which gets the model before ``optimizer.setup``.
    """
    np.random.seed(0)
    random.seed(0)
    images = np.random.randn(40, 3, 6, 6).astype(np.float32)
    labels = np.random.randint(0, 3, 40).astype(np.int32)
    model = L.Classifier(net())
    options.get("prepare", lambda model: None)(model)
    make = options.get("optimizer", lambda: chainer.optimizers.Adam(0.01))
    optimizer = make().setup(model)
    data = chainer.datasets.TupleDataset(images, labels)
    iterate = options.get("iterator", chainer.iterators.SerialIterator)
    updater = options.get("updater", training.StandardUpdater)(iterate(data, 8), optimizer)
    made = training.Trainer(updater, (length, "iteration"), out=str(out))
    extend(made)
    made.extend(extensions.LogReport(trigger=(1, "iteration")))
    made.extend(extensions.snapshot(filename="at_{.updater.iteration}"), trigger=(1, "iteration"))
    return made


def model_of(made: training.Trainer) -> Any:
    """The model of a trainer."""
    return made.updater.get_optimizer("main").target


def result(made: training.Trainer) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Run; the arrays at the end and the log without what depends on the clock."""
    made.run()
    log = made.get_extension("LogReport").log
    kept = [{k: v for k, v in entry.items() if k != "elapsed_time"} for entry in log]
    return arrays(model_of(made)), kept


def assert_equal(one: Any, other: Any) -> None:
    """Both results agree in every bit."""
    assert one[1] == other[1]
    assert one[0].keys() == other[0].keys()
    for path, array in one[0].items():
        assert array.tobytes() == other[0][path].tobytes(), path
