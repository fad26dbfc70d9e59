"""Bring a model into a phase."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import chainer

from chainer_ft.links import named_links
from chainer_ft.training.freeze_checks import announce
from chainer_ft.training.freezing import set_frozen
from chainer_ft.training.frozen_mode import Mode
from chainer_ft.training.model_state import state_of
from chainer_ft.training.modes import mode_of, whole_links
from chainer_ft.training.parameters import tuning_of
from chainer_ft.training.proof import frozen, params_of
from chainer_ft.training.rates import Rates, apply, multipliers
from chainer_ft.training.schedules.progress import Base
from chainer_ft.training.schedules.resolving import Resolved


@dataclass(frozen=True)
class Setting:
    """What a model is to be like in a phase.

    Args:
        params: Paths of the frozen parameters.
        modes: Modes of the links that are frozen as a whole.
        rates: Multipliers.
        others: Paths of what is frozen, and not by the schedule.
    """

    params: frozenset[str]
    modes: Mapping[str, Mode]
    rates: Rates
    others: frozenset[str]

    @property
    def own(self) -> tuple[str, ...]:
        """Paths of what is frozen by the schedule."""
        return tuple(p for p in sorted({*self.params, *self.modes}) if p not in self.others)


def setting(model: chainer.Link, phase: Resolved, own: Collection[str], base: Base) -> Setting:
    """What a model is to be like in a phase.

    What somebody else froze, the script or an extension, stays frozen as it is.

    Args:
        model: The model as it is now.
        phase: The phase on this model.
        own: Paths of what the schedule itself has frozen.
        base: The multipliers that the script gave, which those of the phase multiply.
    """
    params, modes = params_of(model), {p: mode_of(link) for p, link in named_links(model)}
    still = {path for path, param in params.items() if tuning_of(param).frozen}
    others = frozenset({*still, *(path for path, mode in modes.items() if mode)} - {*own})
    chosen = {path for path in params if path in phase.hit or path in others}
    mode = Mode(phase.phase.statistics, phase.phase.dropout)

    def named(path: str, link: chainer.Link) -> Mode | None:
        if path in others or path not in phase.hit:
            return modes[path] if path in others else None
        return mode

    whole = whole_links(model, chosen, named, default=mode if phase.hit else None)
    return Setting(frozenset(chosen), whole, _rates(model, phase, base), others)


def _rates(model: chainer.Link, phase: Resolved, base: Base) -> Rates:
    lr, decay = multipliers(model, phase.phase.lr), multipliers(model, phase.phase.decay)
    return Rates(_product(base.lr, lr), _product(base.decay, decay))


def _product(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    paths = dict.fromkeys([*one, *other])
    factors = {path: one.get(path, 1.0) * other.get(path, 1.0) for path in paths}
    return {path: factor for path, factor in factors.items() if factor != 1.0}


def is_set(model: chainer.Link, wanted: Setting) -> bool:
    """Whether a model is in a setting."""
    state = state_of(model)
    modes = {path: Mode(*mode) for path, mode in state.modes.items()}  # type: ignore[arg-type]
    same = set(state.params) == wanted.params and modes == wanted.modes
    return same and Rates(state.lr, state.decay) == wanted.rates


def bring(model: chainer.Link, wanted: Setting, *, keep_state: bool = False) -> None:
    """Bring a model into a setting.

    What becomes live begins with fresh optimizer state, what becomes frozen loses its; the state
    of everything else is not touched.

    Args:
        model: The model.
        wanted: The setting.
        keep_state: Leave all optimizer state, which was just loaded.
    """
    before = {path for path, link in named_links(model) if mode_of(link)}
    set_frozen(model, set(wanted.params), wanted.modes, keep_state=keep_state)
    apply(model, wanted.rates)
    frozen(model)  # takes the digests of what is newly frozen
    announce(model, before)
