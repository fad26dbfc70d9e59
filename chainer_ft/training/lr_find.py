"""The learning-rate range test, which leaves no trace."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any

import chainer
import numpy as np
from chainer.training import Trainer, Updater

from chainer_ft.errors import UsageError
from chainer_ft.links import slots
from chainer_ft.report.lr_curves import RangeTest
from chainer_ft.select import Selection
from chainer_ft.training.optimizers import optimizer_of
from chainer_ft.training.sites import select
from chainer_ft.training.summary import STEP_NAMES, own_rate, param_state
from chainer_ft.training.sweep import sweep, undoing

_log = logging.getLogger("chainer_ft")


def lr_find(
    updater: Updater | Trainer,
    *,
    start: float = 1e-6,
    stop: float = 10.0,
    steps: int = 100,
    groups: Mapping[str, Selection] | None = None,
    loss: str = "main/loss",
    diverge: float = 4.0,
    optimizer: str = "main",
    iterator: Any = None,
    leave: Iterable[object] = (),
) -> RangeTest:
    """Let the learning rate grow step by step, watch the loss, and undo everything.

    Each step is one of ``updater.update()``: with its data, loss function, hooks, freeze and
    multipliers. Afterwards the run is as if it had never been: parameters, persistents,
    gradients, optimizer, hooks, iterators, random generators, the state of recurrent links,
    lazy parameters. It takes as much memory again as the model and the optimizer's state.

    Args:
        updater: Or its trainer; it may have begun, or be in the middle of its run.
        start: The first learning rate (``lr``; ``alpha`` of Adam and its kin).
        stop: The last; before it the test ends where the loss diverges.
        steps: How many.
        groups: Selections by name. In each of these the others stand still, and the rate is
            still the optimizer's: multipliers count on top.
        loss: Name of the loss among what the model reports.
        diverge: How many times the lowest loss is the end.
        optimizer: Name of the optimizer whose rate grows.
        iterator: Used instead of the updater's ``main`` one, where that cannot be put back.
        leave: Objects of the updater that are not put back (a writer of logs, say).

    Returns:
        RangeTest: ``print`` it; ``.suggestion``, ``.curves``, ``.save_plot("lr_find.png")``.

    Raises:
        UsageError: There is no such optimizer, rate or loss; or something cannot be put back.
        RuleError: The selection of a group hits nothing.

    Example:
        >>> import chainer, numpy as np
        >>> x = np.random.RandomState(0).rand(64, 3).astype("f")
        >>> data = chainer.datasets.TupleDataset(x, x[:, :1] * 2)
        >>> links = chainer.links
        >>> net = links.Linear(3, 1, initialW=0)
        >>> model = links.Classifier(net, chainer.functions.mean_squared_error)
        >>> model.compute_accuracy = False
        >>> optimizer = chainer.optimizers.SGD(0.5).setup(model)
        >>> batches = chainer.iterators.SerialIterator(data, 16, shuffle=False)
        >>> updater = chainer.training.StandardUpdater(batches, optimizer)
        >>> found = lr_find(updater)
        >>> 0.001 < found.suggestion < 1, optimizer.lr, updater.iteration
        (True, 0.5, 0)
    """
    updater = updater.updater if isinstance(updater, Trainer) else updater
    _check(start, stop, steps)
    chosen = _optimizer(updater, optimizer)
    name = _rate_name(chosen)
    leave = list(leave)
    others = {group: _others(chosen.target, group, s) for group, s in (groups or {}).items()}
    rates = [float(rate) for rate in np.geomspace(start, stop, steps)]
    curves = {}
    for group, still in {"all": [], **others}.items():
        with undoing(updater, iterator, leave):
            for param in still:
                param.update_rule.enabled = False
            curves[group] = sweep(updater, chosen, name, rates, loss, diverge)
    return RangeTest(curves, name)


def _check(start: float, stop: float, steps: int) -> None:
    if not 0 < start < stop < math.inf or steps < 3:
        raise UsageError(
            f"start={start}, stop={stop}, steps={steps}: the rate grows from start to stop, both "
            "above zero, in at least 3 steps"
        )


def _optimizer(updater: Updater, name: str) -> Any:
    found = optimizer_of(updater, name)
    shared = getattr(getattr(found, "communicator", None), "size", 1)
    if shared > 1 or hasattr(updater, "setup_workers"):
        raise UsageError(
            f"{type(updater).__name__} with {type(found).__name__} trains in several processes, "
            "which cannot be put back; run lr_find in one, with a StandardUpdater"
        )
    return found


def _rate_name(optimizer: Any) -> str:
    found = optimizer.hyperparam.get_dict()
    for name in STEP_NAMES:
        if name in found:
            _warn_of_own_rates(optimizer.target)
            return name
    known = ", ".join(found) or "none at all"
    raise UsageError(
        f"{type(optimizer).__name__} has no learning rate to find, neither lr nor alpha "
        f"(hyperparameters: {known})"
    )


def _warn_of_own_rates(model: chainer.Link) -> None:
    params = (slot for slot in slots(model) if slot.kind == "param")
    own = [slot.path for slot in params if own_rate(slot.value) is not None]
    if own:
        _log.warning("%s: keep the rate of their own; only the optimizer's grows", ", ".join(own))


def _others(model: chainer.Link, group: str, selection: Selection) -> list[chainer.Parameter]:
    """Parameters that train and are not in a group."""
    hit = select(model, [selection])
    live = [s for s in slots(model) if s.kind == "param" and param_state(s.value) == "trains"]
    if not any(slot.path in hit for slot in live):
        raise UsageError(f"group {group!r}: nothing in {selection!r} trains; unfreeze it first")
    inside = {id(slot.value) for slot in live if slot.path in hit}
    return [slot.value for slot in live if id(slot.value) not in inside]
