"""Which of a script and a snapshot counts where they differ."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

import chainer

from chainer_ft.errors import RefusedError
from chainer_ft.training.model_state import ModelState, adopt_digests, restore, state_of
from chainer_ft.training.parameters import tuning_of
from chainer_ft.training.proof import frozen, frozen_slots, params_of, set_digest
from chainer_ft.training.tuning import forget_state

_log = logging.getLogger("chainer_ft")

Choice = Literal["snapshot", "script"]
_choice: ContextVar[Choice | None] = ContextVar("chainer_ft_resume_with", default=None)


class ResumeError(RefusedError):
    """The snapshot was taken with another freeze set or other multipliers than the script has."""


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
            _log.warning("the snapshot says nothing of freezing; the script has %s", own)
        _retake(model)
    elif _choice.get() == "script":
        if own != saved:
            _log.warning("resumed with %s; the snapshot had %s", own, saved)
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


def forget_frozen(model: chainer.Link) -> None:
    """Drop optimizer state that was loaded for what is frozen now, and was not then."""
    for param in params_of(model).values():
        tuning = tuning_of(param)
        if tuning.frozen and not tuning.was_disabled:
            forget_state(param.update_rule)


def _difference(own: ModelState, saved: ModelState) -> str:
    return (
        f"the snapshot was taken with {saved}; the script has {own}. Freeze the "
        "same before loading, or load it under chainer_ft.resume_with('snapshot') or "
        "chainer_ft.resume_with('script')"
    )
