"""Where Chainer itself is changed: what trainer snapshots hold, and how they are read.

Stock Chainer keeps nothing of freezing and of random generators in a snapshot, and cannot read one
in which a parameter that is live now was frozen (``KeyError: .../conv1/W/v``). Neither has a place
to hook into: the optimizer is read before any extension, which is not told of the trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import chainer
from chainer import Deserializer, UpdateRule
from chainer.training import Trainer

import chainer_ft
from chainer_ft.training import early_stopping, half_precision, random_state, recurrent, shifts
from chainer_ft.training.copies import copies_of, follow
from chainer_ft.training.missing import tell_of_missing
from chainer_ft.training.model_state import ModelState, state_of
from chainer_ft.training.plain_data import load_state, save_state
from chainer_ft.training.proof import frozen, params_of
from chainer_ft.training.provenance import kept_origins, restore_origins
from chainer_ft.training.resume import Governed, ResumeError, forget_frozen, reconcile

#: Name of the group in a snapshot.
GROUP = "chainer_ft"
_MARK = "_chainer_ft_patched"

#: Rules that a snapshot has no state of, while one is read.
_waiting: list[list[UpdateRule]] = []


def install() -> None:
    """Patch Chainer, once in a process."""
    if not hasattr(Trainer.serialize, _MARK):
        Trainer.serialize = _serialize_trainer(Trainer.serialize)
        UpdateRule.serialize = _serialize_rule(UpdateRule.serialize)


def _serialize_rule(plain: Callable[[UpdateRule, Any], None]) -> Callable[[UpdateRule, Any], None]:
    @wraps(plain)
    def serialize(self: UpdateRule, serializer: Any) -> None:
        try:
            plain(self, serializer)
        except KeyError:
            if not _waiting or not isinstance(serializer, Deserializer):
                raise
            self._state = None
            _waiting[-1].append(self)
        if isinstance(serializer, Deserializer):
            half_precision.load_master(self, serializer)
        else:
            half_precision.save_master(self, serializer)

    setattr(serialize, _MARK, True)
    return serialize


def _serialize_trainer(plain: Callable[[Trainer, Any], None]) -> Callable[[Trainer, Any], None]:
    @wraps(plain)
    def serialize(self: Trainer, serializer: Any) -> None:
        if isinstance(serializer, Deserializer):
            _load(self, serializer, plain)
        else:
            save_state(serializer[GROUP], _state(self, serializer[GROUP]))
            plain(self, serializer)

    setattr(serialize, _MARK, True)
    return serialize


def _models(trainer: Trainer) -> dict[str, chainer.Link]:
    return {name: opt.target for name, opt in trainer.updater.get_all_optimizers().items()}


def _computing(trainer: Trainer) -> dict[str, chainer.Link]:
    """The models, and the copies that an updater computes with."""
    copies = copies_of(trainer.updater)
    return _models(trainer) | {f"main@{name}": copy for name, copy in copies.items()}


def _iterators(trainer: Trainer) -> list[Any]:
    return [one for _, one in sorted(getattr(trainer.updater, "_iterators", {}).items())]


def _state(trainer: Trainer, serializer: Any) -> dict[str, Any]:
    """All of it; what is frozen is checked on the way."""
    models = _models(trainer)
    for model in models.values():
        frozen(model).check()
    return {
        "schema": "chainer_ft.training/1",
        "version": chainer_ft.__version__,
        "models": {name: state_of(model).to_dict() for name, model in models.items()},
        "origins": {name: kept_origins(model) for name, model in models.items()},
        "recurrent": recurrent.capture(_computing(trainer), serializer["recurrent"]),
        "random": random_state.capture(_iterators(trainer)),
        "shifted": shifts.capture(trainer, _extensions(trainer)),
        "stopping": early_stopping.capture(trainer),
        "loss_scales": half_precision.loss_scales(trainer.updater.get_all_optimizers()),
        "extensions": [one.name for one in _extensions(trainer) if hasattr(one, "after_load")],
    }


def _load(trainer: Trainer, serializer: Any, plain: Callable[[Trainer, Any], None]) -> None:
    extensions = _extensions(trainer)
    for extension in extensions:
        if hasattr(extension, "before_load"):
            extension.before_load(trainer)
    with _collected() as without_state:
        plain(trainer, serializer)
    saved = load_state(serializer[GROUP]) or {}
    governed = _governed(extensions)
    for name, model in _models(trainer).items():
        state = saved.get("models", {}).get(name)
        reconcile(model, state and ModelState.from_dict(state), governed)
        restore_origins(model, saved.get("origins", {}).get(name, {}))
        half_precision.place_masters(model)
    recurrent.restore(saved.get("recurrent"), _computing(trainer), serializer[GROUP]["recurrent"])
    for extension in extensions:
        if hasattr(extension, "after_load"):
            extension.after_load(trainer)
    for model in _models(trainer).values():
        forget_frozen(model)
    follow(trainer.updater)
    tell_of_missing(saved.get("extensions", []), [one.name for one in extensions])
    _check_complete(trainer, without_state, bool(saved))
    shifts.restore(saved.get("shifted", {}), trainer, extensions)
    early_stopping.restore(saved.get("stopping"), trainer)
    optimizers = trainer.updater.get_all_optimizers()
    half_precision.restore_loss_scales(saved.get("loss_scales", {}), optimizers)
    if "random" in saved:
        random_state.restore(saved["random"], _iterators(trainer))


def _governed(extensions: list[Any]) -> Governed:
    own = [path for ext in extensions for path in getattr(ext, "frozen_here", ())]
    return Governed(
        any(getattr(ext, "governs_freezing", False) for ext in extensions),
        any(getattr(ext, "governs_rates", False) for ext in extensions),
        frozenset(own),
    )


@contextmanager
def _collected() -> Iterator[list[UpdateRule]]:
    _waiting.append([])
    try:
        yield _waiting[-1]
    finally:
        _waiting.pop()


def _extensions(trainer: Trainer) -> list[Any]:
    entries = sorted(trainer._extensions.values(), key=lambda e: e.priority, reverse=True)
    return [entry.extension for entry in entries]


def _check_complete(trainer: Trainer, rules: list[UpdateRule], is_ours: bool) -> None:
    """Refuse live parameters that the snapshot has no optimizer state of, unless it is fresh.

    What was thawed in the iteration of the snapshot has no state yet, and ``t`` is 0. Stock
    Chainer has the same of what it never trained, and only ours says which.
    """
    live = {id(rule) for rule in rules if rule.enabled and not (is_ours and rule.t == 0)}
    lost = [
        path
        for model in _models(trainer).values()
        for path, param in params_of(model).items()
        if id(param.update_rule) in live
    ]
    if lost:
        raise ResumeError(
            f"the snapshot has no optimizer state of {', '.join(lost)}: it was not trained when "
            "the snapshot was taken, and is now. Freeze it in the script as it was then"
        )
