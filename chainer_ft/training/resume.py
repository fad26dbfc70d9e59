"""What a trainer snapshot keeps of fine-tuning, and how a model is brought back to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import chainer

from chainer_ft.errors import RefusedError
from chainer_ft.links import named_links
from chainer_ft.training.freezing import set_frozen
from chainer_ft.training.frozen_mode import Mode
from chainer_ft.training.modes import mode_of
from chainer_ft.training.parameters import tuning_of
from chainer_ft.training.proof import frozen, frozen_slots, params_of, set_digest
from chainer_ft.training.rates import Rates, apply

_log = logging.getLogger("chainer_ft")

Choice = Literal["snapshot", "script"]
_choice: ContextVar[Choice | None] = ContextVar("chainer_ft_resume_with", default=None)


class ResumeError(RefusedError):
    """The snapshot was taken with another freeze set or other multipliers than the script has."""


@dataclass(frozen=True)
class ModelState:
    """What fine-tuning says of one model, as plain data.

    Args:
        digests: Of each frozen parameter and persistent, by path.
        modes: ``[statistics, dropout]`` of each link that is frozen as a whole.
        params: Paths of the frozen parameters.
        lr: Multipliers of the learning rate, by path of the parameter.
        decay: Multipliers of weight decay.
        disabled: Paths of the parameters that were off before anything was frozen.
    """

    params: tuple[str, ...] = ()
    modes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    lr: Mapping[str, float] = field(default_factory=dict)
    decay: Mapping[str, float] = field(default_factory=dict)
    disabled: tuple[str, ...] = ()
    digests: Mapping[str, str | None] = field(default_factory=dict, compare=False)

    @property
    def rates(self) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Both multipliers."""
        return self.lr, self.decay

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ModelState:
        """The state that :meth:`to_dict` gave."""
        modes = {path: (mode[0], mode[1]) for path, mode in data["modes"].items()}
        disabled = tuple(data["disabled"])
        params = tuple(data["params"])
        return cls(params, modes, data["lr"], data["decay"], disabled, data["digests"])


def state_of(model: chainer.Link) -> ModelState:
    """What fine-tuning says of a model now."""
    still = frozen(model)
    tunings = {path: tuning_of(param) for path, param in params_of(model).items()}
    modes = {path: mode for path, link in named_links(model) if (mode := mode_of(link))}
    return ModelState(
        still.params,
        {path: (mode.statistics, mode.dropout) for path, mode in modes.items()},
        {path: t.lr_mult for path, t in tunings.items() if t.lr_mult != 1.0},
        {path: t.decay_mult for path, t in tunings.items() if t.decay_mult != 1.0},
        tuple(path for path, param in params_of(model).items() if _is_disabled(param)),
        still.digests,
    )


def _is_disabled(param: chainer.Parameter) -> bool:
    """Whether its update rule is off for another reason than a freeze."""
    tuning, rule = tuning_of(param), param.update_rule
    return tuning.was_disabled if tuning.frozen else rule is not None and not rule.enabled


def restore(model: chainer.Link, state: ModelState) -> None:
    """Bring a model into a state, and leave the optimizer state that was loaded for it alone."""
    modes = {path: Mode(*mode) for path, mode in state.modes.items()}  # type: ignore[arg-type]
    set_frozen(model, set(state.params), modes, keep_state=True)
    apply(model, Rates(state.lr, state.decay))


def adopt_digests(model: chainer.Link, state: ModelState) -> None:
    """Take over the digests of the snapshot, and see that its arrays have them.

    Raises:
        FrozenChangedError: A frozen array in the snapshot is not what it was at the freeze.
    """
    for slot in frozen_slots(model):
        set_digest(slot, state.digests.get(slot.path))
    frozen(model).check()


@contextmanager
def resume_with(choice: Choice) -> Iterator[None]:
    """Say what counts while a snapshot is loaded whose freeze set differs from the script's.

    Args:
        choice: ``snapshot`` freezes what was frozen when it was taken; ``script`` leaves the
            model as the script has it: what was frozen then and is live now begins with fresh
            optimizer state.

    Example:
        >>> with resume_with("script"):
        ...     pass  # chainer.serializers.load_npz("snapshot_iter_1000", trainer)
    """
    token = _choice.set(choice)
    try:
        yield
    finally:
        _choice.reset(token)


def choice() -> Choice | None:
    """What :func:`resume_with` says here; ``None`` outside of it."""
    return _choice.get()


@dataclass(frozen=True)
class Governed:
    """What extensions decide of a model from here on.

    Args:
        freezing: Whether one decides what is frozen.
        rates: Whether one decides the multipliers.
        frozen: Paths of the parameters that they have frozen already.
    """

    freezing: bool = False
    rates: bool = False
    frozen: frozenset[str] = frozenset()

    def differences(self, own: ModelState, saved: ModelState) -> bool:
        """Whether what the script itself said is not what the snapshot says."""
        by_hand = set(own.params) - self.frozen
        same = by_hand <= set(saved.params) if self.freezing else own.params == saved.params
        if not self.freezing:
            same = same and own.modes == saved.modes
        if not self.rates:
            same = same and own.rates == saved.rates
        return not (same and own.disabled == saved.disabled)


def reconcile(model: chainer.Link, saved: ModelState | None, governed: Governed) -> None:
    """Bring the model of a script and the state in a snapshot together.

    Args:
        model: The model, its arrays loaded already.
        saved: Its state in the snapshot; ``None`` where the snapshot has none.
        governed: What extensions decide; they compare what they were told with what the
            snapshot says.

    Raises:
        ResumeError: They differ, and nobody said what counts.
    """
    own = state_of(model)
    if saved is None:
        if own != ModelState():
            _log.warning("the snapshot says nothing of freezing; the script has %s", _words(own))
        _retake(model)
    elif _choice.get() == "script":
        if own != saved:
            _log.warning("resumed with %s; the snapshot had %s", _words(own), _words(saved))
        _retake(model)
    elif _choice.get() is None and governed.differences(own, saved):
        raise ResumeError(_difference(own, saved))
    else:
        restore(model, saved)
        adopt_digests(model, saved)


def _retake(model: chainer.Link) -> None:
    for slot in frozen_slots(model):
        set_digest(slot, None)
    frozen(model)


def _difference(own: ModelState, saved: ModelState) -> str:
    return (
        f"the snapshot was taken with {_words(saved)}; the script has {_words(own)}. Freeze the "
        "same before loading, or load it under chainer_ft.resume_with('snapshot') or "
        "chainer_ft.resume_with('script')"
    )


def _words(state: ModelState) -> str:
    parts = [f"{', '.join(state.params)} frozen" if state.params else "nothing frozen"]
    parts += [f"{mode[0]}/{mode[1]} in {path}" for path, mode in state.modes.items()]
    parts += [f"learning rate x{value:g} of {path}" for path, value in state.lr.items()]
    parts += [f"decay x{value:g} of {path}" for path, value in state.decay.items()]
    parts += [f"disable_update of {path}" for path in state.disabled]
    return "; ".join(parts)
