"""Caffe's six update rules, by its own formulas.

Chainer's ``NesterovAG`` takes the new velocity where Caffe takes the old one, and its ``AdaDelta``
has no learning rate; the others agree and stand here with Caffe's decay and multipliers, so that
all six have one form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import chainer
import numpy as np

from chainer_ft.errors import UsageError
from chainer_ft.select import nearest


class CaffeRule(ABC, chainer.UpdateRule):  # type: ignore[misc]
    """What the six have in common: a rate, decay, and a history.

    The gradient of a parameter without one counts as zero: it still decays and keeps its momentum,
    as in Caffe. After the update ``param.grad`` is what was subtracted (Caffe's ``snapshot_diff``).

    Hyper-parameters, all float32: ``lr`` times ``lr_mult``, ``weight_decay`` times ``decay_mult``,
    and ``regularization_type`` (``L2``, ``L1``), besides those of the rule.

    Args:
        parent_hyperparam: The optimizer's.

    Attributes:
        names: Names of the arrays in ``state``: Caffe's history, first part first.
    """

    names: ClassVar[tuple[str, ...]] = ("history",)
    #: Whether a rate of 0 leaves a history of zeros as it is.
    rests: ClassVar[bool] = False

    def __init__(self, parent_hyperparam: Any = None) -> None:
        super().__init__(parent_hyperparam)
        self.hyperparam.lr_mult = 1.0
        self.hyperparam.decay_mult = 1.0

    def init_state(self, param: chainer.Parameter) -> None:
        """Make a history of zeros."""
        for name in self.names:
            self.state.setdefault(name, param.device.xp.zeros_like(param.array))

    @property
    def is_idle(self) -> bool:
        """Whether an update would change neither the parameter nor the history."""
        return self.rests and self.state is None and self.hyperparam.lr_mult == 0

    def update_core_cpu(self, param: chainer.Parameter) -> None:
        """Regularize, compute the update, subtract it."""
        xp, hp = param.device.xp, self.hyperparam
        if param.grad is None:
            param.grad = xp.zeros_like(param.array)
        diff = param.grad
        _regularize(xp, hp, param.array, diff)
        rate = np.float32(hp.lr) * np.float32(hp.lr_mult)
        self.compute(xp, diff, float(rate))
        data = param.array
        data -= diff

    update_core_gpu = update_core_cpu

    @abstractmethod
    def compute(self, xp: Any, diff: Any, rate: float) -> None:
        """Turn a gradient into an update, in place.

        Args:
            xp: ``numpy`` or ``cupy``.
            diff: The gradient.
            rate: The local learning rate.
        """


def _regularize(xp: Any, hp: Any, data: Any, diff: Any) -> None:
    decay = float(np.float32(hp.weight_decay) * np.float32(hp.decay_mult))
    if not decay:
        return
    if hp.regularization_type not in ("L1", "L2"):
        known = nearest(hp.regularization_type, ("L1", "L2"))
        raise UsageError(f"regularization_type {hp.regularization_type!r}: there is none; {known}")
    diff += decay * (data if hp.regularization_type == "L2" else xp.sign(data))


def _rest(value: float) -> float:
    """1 - value, in float32."""
    return float(np.float32(1) - np.float32(value))


class SGDRule(CaffeRule):
    """H = momentum H + rate g; w -= H. The rate is inside of the velocity."""

    rests = True

    def compute(self, xp: Any, diff: Any, rate: float) -> None:
        history = self.state["history"]
        history *= self.hyperparam.momentum
        diff *= rate
        history += diff
        diff[...] = history


class NesterovRule(CaffeRule):
    """H' = momentum H + rate g; w -= (1 + momentum) H' - momentum H."""

    rests = True

    def compute(self, xp: Any, diff: Any, rate: float) -> None:
        history, momentum = self.state["history"], self.hyperparam.momentum
        back = momentum * history
        history *= momentum
        diff *= rate
        history += diff
        diff[...] = history
        diff *= float(np.float32(1) + np.float32(momentum))
        diff -= back


class AdaGradRule(CaffeRule):
    """H += g^2; w -= rate g / (sqrt(H) + delta)."""

    def compute(self, xp: Any, diff: Any, rate: float) -> None:
        history = self.state["history"]
        history += diff * diff
        diff /= xp.sqrt(history) + self.hyperparam.delta
        diff *= rate


class RMSPropRule(CaffeRule):
    """H = rms_decay H + (1 - rms_decay) g^2; w -= rate g / (sqrt(H) + delta)."""

    def compute(self, xp: Any, diff: Any, rate: float) -> None:
        history, decay = self.state["history"], self.hyperparam.rms_decay
        history *= decay
        history += _rest(decay) * (diff * diff)
        diff /= xp.sqrt(history) + self.hyperparam.delta
        diff *= rate


class AdaDeltaRule(CaffeRule):
    """Of gradients and of updates a mean square each; w -= rate g sqrt((H2 + d) / (H1 + d))."""

    names = ("history", "history2")

    def compute(self, xp: Any, diff: Any, rate: float) -> None:
        first, second = self.state["history"], self.state["history2"]
        momentum, delta = self.hyperparam.momentum, self.hyperparam.delta
        first *= momentum
        first += _rest(momentum) * (diff * diff)
        diff *= xp.sqrt((second + delta) / (first + delta))
        second *= momentum
        second += _rest(momentum) * (diff * diff)
        diff *= rate


class AdamRule(CaffeRule):
    """m, v as usual; w -= rate sqrt(1 - momentum2^t) / (1 - momentum^t) m / (sqrt(v) + delta)."""

    names = ("history", "history2")

    def compute(self, xp: Any, diff: Any, rate: float) -> None:
        mean, square = self.state["history"], self.state["history2"]
        hp = self.hyperparam
        mean *= hp.momentum
        mean += _rest(hp.momentum) * diff
        square *= hp.momentum2
        square += _rest(hp.momentum2) * (diff * diff)
        diff[...] = mean
        diff /= xp.sqrt(square) + hp.delta
        diff *= rate * self._correction()

    def _correction(self) -> float:
        """Of the zeros that both means began with; ``t`` counts this update."""
        first, second = np.float32(self.hyperparam.momentum), np.float32(self.hyperparam.momentum2)
        with np.errstate(all="ignore"):
            root = np.sqrt(1 - np.float64(second) ** self.t)
            return float(np.float32(root / (1 - np.float64(first) ** self.t)))


#: By Caffe's name of the solver's type.
RULES: dict[str, type[CaffeRule]] = {
    "SGD": SGDRule,
    "Nesterov": NesterovRule,
    "AdaGrad": AdaGradRule,
    "RMSProp": RMSPropRule,
    "AdaDelta": AdaDeltaRule,
    "Adam": AdamRule,
}
