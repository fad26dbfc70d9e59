"""Runs, their logs, and all the bits that training changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
from chainer import links, training
from training_nets import net

from chainer_ft.links import slots
from chainer_ft.training.digest import digest


def data(count: int = 40, seed: int = 0) -> Any:
    """Small images of three kinds."""
    random = np.random.RandomState(seed)
    labels = random.randint(0, 3, count).astype(np.int32)
    images = random.normal(0, 0.5, (count, 3, 6, 6)) + labels[:, None, None, None]
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


def trainer(of: Any, out: Path, iterations: int = 12) -> training.Trainer:
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
