"""What a schedule has to know of the trainer that carries it out."""

from __future__ import annotations

from typing import Any

import chainer

from chainer_ft.errors import ScheduleError
from chainer_ft.links import named_links
from chainer_ft.training.copies import copies_of, copies_once
from chainer_ft.training.lengths import Length, length
from chainer_ft.training.model_state import state_of
from chainer_ft.training.schedules.progress import Base


def total_length(trainer: Any) -> Length | None:
    """When the trainer stops, where its stop trigger says so."""
    ask = getattr(trainer.stop_trigger, "get_training_length", None)
    period, unit = ask() if ask is not None else (0, "never")
    return length((period, unit)) if unit in ("epoch", "iteration") else None


def epoch_size(trainer: Any) -> float | None:
    """Iterations in an epoch, where the iterator says so.

    An updater with an ``update_core`` of its own may take several batches in an iteration.
    """
    core = getattr(type(trainer.updater), "update_core", None)
    if not getattr(core, "__module__", "").startswith("chainer."):
        return None
    iterator = getattr(trainer.updater, "_iterators", {}).get("main")
    examples, batch = getattr(iterator, "dataset", ()), getattr(iterator, "batch_size", 0)
    return len(examples) / batch if hasattr(examples, "__len__") and batch else None


def prefix_of(model: chainer.Link, target: chainer.Link) -> str:
    """Where a model stands in the target of the optimizer.

    Raises:
        ScheduleError: It is not in there.
    """
    for path, link in named_links(target):
        if link is model:
            return path.rstrip("/")
    raise ScheduleError(
        f"the {type(model).__name__} that the schedule was given is not in the optimizer's target, "
        f"a {type(target).__name__}; after a copy, give it the copy"
    )


def twins_of(model: chainer.Link, trainer: Any, target: chainer.Link) -> list[chainer.Link]:
    """The same part in the copies that a ParallelUpdater computes with."""
    path = prefix_of(model, target) or "/"
    return [dict(named_links(copy))[path] for copy in copies_of(trainer.updater).values()]


def check_reachable(trainer: Any, phases: int) -> None:
    """Refuse workers that copy the model once and would never hear of the second phase."""
    if phases > 1 and copies_once(trainer.updater):
        raise ScheduleError(
            f"{type(trainer.updater).__name__} copies the model to its workers once, and they "
            "would never hear of the second phase; use StandardUpdater or ParallelUpdater, "
            "or one phase a run"
        )


def check_alone(trainer: Any, own: Any) -> None:
    """Refuse a second extension that sets multipliers of the same optimizer."""
    for name, entry in trainer._extensions.items():
        other = entry.extension
        same = getattr(other, "optimizer", own.optimizer) == own.optimizer
        if other is not own and same and getattr(other, "governs_rates", False):
            raise ScheduleError(
                f"the extension {name!r} sets the learning rates, and so does the schedule; write "
                "them under lr in the phases, or call chainer_ft.learning_rates before the "
                "training: the phases multiply what it sets"
            )


def base_of(model: chainer.Link, prefix: str, trainer: Any) -> Base:
    """What the script said of the model: without what extensions froze."""
    extensions = [entry.extension for entry in trainer._extensions.values()]
    theirs = {path for one in extensions for path in getattr(one, "frozen_here", ())}
    state = state_of(model)
    params = tuple(path for path in state.params if prefix + path not in theirs)
    return Base(params, dict(state.lr), dict(state.decay))
