"""Hyperparameters that multiply those of their parent, so that every schedule still counts."""

from __future__ import annotations

from typing import Any

from chainer.optimizer import Hyperparameter

#: What scales a whole step, decoupled weight decay included; the first that a rule has is used.
#: Adam and its kin have ``eta`` beside ``alpha``; AdaDelta has none of them.
RATE_NAMES = ("eta", "lr")


class Scaled(Hyperparameter):  # type: ignore[misc]
    """The hyperparameters of one update rule, its learning rate and weight decay multiplied.

    Chainer lets a rule have its own value *instead of* the optimizer's; then schedules of the
    optimizer no longer reach it. Here every read asks the parent and multiplies. What is set on
    this object is set on the rule's own hyperparameters, and multiplied like the rest.

    Args:
        parent: The rule's own hyperparameters.
        lr_mult: Factor of ``eta`` or ``lr``: of the whole step.
        decay_mult: Factor of ``weight_decay_rate``, which decoupled weight decay reads.

    Example:
        >>> from chainer.optimizer import Hyperparameter
        >>> own = Hyperparameter()
        >>> own.lr = 0.1
        >>> slow = Scaled(own, 0.5)
        >>> own.lr = 0.4
        >>> slow.lr
        0.2
    """

    def __init__(self, parent: Hyperparameter, lr_mult: float, decay_mult: float = 1.0) -> None:
        own = self.__dict__
        own["_parent"], own["_lr_mult"], own["_decay_mult"] = parent, lr_mult, decay_mult

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        return value if name.startswith("_") else self._scale(name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._parent, name, value)

    def _scale(self, name: str, value: Any) -> Any:
        if name == "weight_decay_rate":
            return value * self._decay_mult
        rate = next((n for n in RATE_NAMES if hasattr(self._parent, n)), None)
        return value * self._lr_mult if name == rate else value

    def get_dict(self) -> dict[str, Any]:
        """All entries, multiplied."""
        own = self._parent.get_dict()
        return {name: self._scale(name, value) for name, value in own.items()}
