"""What fine-tuning says of a model, as plain data that a snapshot can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import chainer

from chainer_ft.links import named_links
from chainer_ft.training.freezing import set_frozen
from chainer_ft.training.frozen_mode import Mode
from chainer_ft.training.modes import mode_of
from chainer_ft.training.parameters import tuning_of
from chainer_ft.training.proof import frozen, frozen_slots, params_of, set_digest
from chainer_ft.training.rates import Rates, apply


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

    def __str__(self) -> str:
        parts = [f"{', '.join(self.params)} frozen" if self.params else "nothing frozen"]
        parts += [f"{mode[0]}/{mode[1]} in {path}" for path, mode in self.modes.items()]
        parts += [f"learning rate x{value:g} of {path}" for path, value in self.lr.items()]
        parts += [f"decay x{value:g} of {path}" for path, value in self.decay.items()]
        parts += [f"disable_update of {path}" for path in self.disabled]
        return "; ".join(parts)


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
