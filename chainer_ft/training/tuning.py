"""What is said of a parameter, and an update rule that follows it."""

from __future__ import annotations

from dataclasses import dataclass

import chainer

from chainer_ft.training.hyperparameters import RATE_NAMES, Scaled


@dataclass(frozen=True)
class Tuning:
    """What a parameter does in fine-tuning.

    Args:
        frozen: Whether it has no gradient, no update and no optimizer state.
        lr_mult: What its learning rate is multiplied by.
        decay_mult: What its weight decay is multiplied by.
        was_disabled: Whether its update rule was off before it was frozen.
        required_grad: Whether it had a gradient before it was frozen.
        digest: Of the array at the freeze, ``None`` where there was no array.
        pending: Whether a first forward is still to write into the array.
    """

    frozen: bool = False
    lr_mult: float = 1.0
    decay_mult: float = 1.0
    was_disabled: bool = False
    required_grad: bool = True
    digest: str | None = None
    pending: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether this is what every parameter does."""
        return not self.frozen and self.lr_mult == 1.0 and self.decay_mult == 1.0


def prepare(rule: chainer.UpdateRule | None, tuning: Tuning) -> None:
    """Make a rule follow what is said of its parameter."""
    if rule is None:
        return
    if tuning.frozen:
        rule.enabled = False
    if tuning.lr_mult != 1.0 or tuning.decay_mult != 1.0:
        rule.hyperparam = Scaled(rule.hyperparam, tuning.lr_mult, tuning.decay_mult)


def release(rule: chainer.UpdateRule | None, tuning: Tuning) -> None:
    """Undo :func:`prepare`."""
    if rule is None:
        return
    if tuning.frozen:
        rule.enabled = not tuning.was_disabled
    if isinstance(rule.hyperparam, Scaled):
        rule.hyperparam = rule.hyperparam.parent


def forget_state(rule: chainer.UpdateRule | None) -> None:
    """Let a rule begin anew at its next update."""
    if rule is not None:
        rule._state = None
        rule._fp32_param = None
        rule.t = 0


def has_rate(rule: chainer.UpdateRule | None) -> bool:
    """Whether a rule knows a learning rate that can be multiplied."""
    return rule is None or any(hasattr(rule.hyperparam, name) for name in RATE_NAMES)
