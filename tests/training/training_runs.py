"""Small runs: their logs, all the bits that training changes, and stopping and resuming them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chainer
import numpy as np
from chainer import links, training
from training_nets import arrays, net

from chainer_ft.links import slots
from chainer_ft.training.digest import digest

Extend = Callable[[training.Trainer], None]


def data(count: int = 40, seed: int = 0) -> Any:
    """Small images of three kinds."""
    drawn = np.random.RandomState(seed)
    labels = drawn.randint(0, 3, count).astype(np.int32)
    images = drawn.normal(0, 0.5, (count, 3, 6, 6)) + labels[:, None, None, None]
    return chainer.datasets.TupleDataset(images.astype(np.float32), labels)


def updater(
    optimizer: Any = None, batches: Any = None, model: Any = None, device: str | None = None
) -> Any:
    """One like most people's; weights and data are the same each time."""
    chosen = optimizer or chainer.optimizers.MomentumSGD(0.05)
    chosen.setup(model or links.Classifier(net()))
    chosen.add_hook(chainer.optimizer_hooks.GradientClipping(5.0))
    chosen.add_hook(chainer.optimizer_hooks.WeightDecay(1e-3))
    batches = batches or chainer.iterators.SerialIterator(data(), 8)
    return training.StandardUpdater(batches, chosen, device=device)


def watched(of: Any, out: Path, iterations: int = 12) -> training.Trainer:
    """A run with a log and a schedule."""
    made = training.Trainer(of, (iterations, "iteration"), out=str(out))
    made.extend(training.extensions.LogReport(trigger=(1, "iteration")))
    known = of.get_optimizer("main").hyperparam.get_dict()
    rate = next(name for name in ("lr", "alpha", "rho") if name in known)
    made.extend(training.extensions.ExponentialShift(rate, 0.95), trigger=(2, "iteration"))
    watch = training.extensions.observe_value(
        rate, lambda t: getattr(t.updater.get_optimizer("main"), rate)
    )
    made.extend(watch)
    return made


def log(of: training.Trainer) -> list[dict[str, Any]]:
    """The log without the clock."""
    entries = of.get_extension("LogReport").log
    return [{k: v for k, v in entry.items() if k != "elapsed_time"} for entry in entries]


def fingerprint(of: Any) -> dict[str, Any]:
    """Every bit of a run that training changes, as text."""
    optimizer = of.get_optimizer("main")
    found: dict[str, Any] = {"t": optimizer.t, "epoch": optimizer.epoch}
    found["hyperparam"] = optimizer.hyperparam.get_dict()
    found["hooks"] = list(optimizer._hookable._pre_update_hooks)
    for slot in slots(optimizer.target):
        found[slot.path] = None if slot.array is None else digest(slot.array)
        if slot.kind == "param":
            found |= {f"{slot.path} {k}": v for k, v in _of_param(slot.value).items()}
    iterator = of.get_iterator("main")
    found["place"] = iterator.epoch, iterator.current_position, iterator.is_new_epoch
    found["previous"] = iterator.previous_epoch_detail
    found["order"] = str(iterator._state.order)
    found["iteration"] = of.iteration
    found["numpy"] = str(np.random.get_state())
    return found


def _of_param(param: Any) -> dict[str, Any]:
    rule, grad = param.update_rule, param.grad if param.array is not None else None
    state = None if rule.state is None else {k: digest(v) for k, v in rule.state.items()}
    return {
        "grad": None if grad is None else digest(grad),
        "t": rule.t,
        "enabled": rule.enabled,
        "state": state,
        "own": rule.hyperparam.get_dict(),
        "class": type(param).__name__,
    }


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
    model = links.Classifier(net())
    options.get("prepare", lambda model: None)(model)
    make = options.get("optimizer", lambda: chainer.optimizers.Adam(0.01))
    optimizer = make().setup(model)
    data = chainer.datasets.TupleDataset(images, labels)
    iterate = options.get("iterator", chainer.iterators.SerialIterator)
    updater = options.get("updater", training.StandardUpdater)(iterate(data, 8), optimizer)
    made = training.Trainer(updater, (length, "iteration"), out=str(out))
    extend(made)
    made.extend(training.extensions.LogReport(trigger=(1, "iteration")))
    made.extend(
        training.extensions.snapshot(filename="at_{.updater.iteration}"), trigger=(1, "iteration")
    )
    return made


def model_of(made: training.Trainer) -> Any:
    """The model of a trainer."""
    return made.updater.get_optimizer("main").target


def result(made: training.Trainer) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Run; the arrays at the end and the log without what depends on the clock."""
    made.run()
    return arrays(model_of(made)), log(made)


def assert_equal(one: Any, other: Any) -> None:
    """Both results agree in every bit."""
    assert one[1] == other[1]
    assert one[0].keys() == other[0].keys()
    for path, array in one[0].items():
        assert array.tobytes() == other[0][path].tobytes(), path
