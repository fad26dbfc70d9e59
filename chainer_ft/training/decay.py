"""Weight decay that knows multipliers and freezing, and decay towards the pretrained weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import chainer
from chainer import optimizer_hooks

from chainer_ft.errors import RuleError
from chainer_ft.links import slots
from chainer_ft.select import nearest
from chainer_ft.training.hyperparameters import Scaled
from chainer_ft.training.parameters import tuning_of

_MARK = "_chainer_ft_follows"


def follow_multipliers() -> None:
    """Let Chainer's own ``WeightDecay`` and ``Lasso`` ask each parameter for its multiplier.

    They are called with the parameter and use one rate for all; there is no other place between
    them and the gradient where a parameter could have its say.
    """
    for cls in (optimizer_hooks.WeightDecay, optimizer_hooks.Lasso):
        if not hasattr(cls.__call__, _MARK):
            cls.__call__ = _following(cls.__call__)


def _following(call: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
    @wraps(call)
    def scaled(hook: Any, rule: Any, param: chainer.Parameter) -> None:
        factor = _factor(rule, param)
        if factor == 1.0:
            call(hook, rule, param)
        elif factor:
            other = copy.copy(hook)
            other.rate = hook.rate * factor
            call(other, rule, param)

    setattr(scaled, _MARK, True)
    return scaled


def _factor(rule: Any, param: chainer.Parameter) -> float:
    """The factor of a parameter, or of the one that this is the copy of in single precision."""
    is_copy = param is getattr(rule, "_fp32_param", None) and isinstance(rule.hyperparam, Scaled)
    return float(rule.hyperparam._decay_mult) if is_copy else decay_factor(param)


def decay_factor(param: chainer.Parameter) -> float:
    """What weight decay is multiplied by: nothing decays that is frozen."""
    tuning = tuning_of(param)
    return 0.0 if tuning.frozen else tuning.decay_mult


class L2SP:
    """Optimizer hook: weight decay towards the pretrained weights instead of zero.

    Adds ``rate * (W - W0)`` to the gradient of each parameter that has pretrained weights, and
    ``new_rate * W`` to that of each other one (L2-SP; Li, Grandvalet and Davoine 2018).

    Args:
        start: The model as it is now, with the pretrained weights in it, or their arrays by path.
        rate: Of parameters with pretrained weights.
        new_rate: Of the others: of those that ``new`` hits, and of those not in ``start``.
        new: Paths of parameters whose weights in ``start`` are not pretrained (a new head), as
            ``plan.missing`` has them.

    Example:
        >>> import chainer
        >>> model = chainer.links.Linear(3, 2)
        >>> optimizer = chainer.optimizers.SGD().setup(model)
        >>> optimizer.add_hook(L2SP(model, rate=0.01))
    """

    name = "L2SP"
    timing = "pre"

    def __init__(
        self,
        start: chainer.Link | Mapping[str, Any],
        rate: float = 0.01,
        new_rate: float = 0.01,
        new: tuple[str, ...] = (),
    ) -> None:
        self.rate, self.new_rate = rate, new_rate
        self._link = start if isinstance(start, chainer.Link) else None
        self.start = dict(start) if self._link is None else _copies(self._link)
        for path in new:
            if self.start.pop(path, None) is None:
                raise RuleError(f"{path}: L2SP has no weights of it; {nearest(path, self.start)}")

    def __call__(self, optimizer: chainer.Optimizer) -> None:
        params = dict(optimizer.target.namedparams(include_uninit=False))
        prefix = self._prefix(optimizer.target, params)
        for path, param in params.items():
            factor = decay_factor(param)
            if factor and param.grad is not None:
                self._pull(param, path.removeprefix(prefix), factor)

    def _prefix(self, target: chainer.Link, params: Mapping[str, Any]) -> str:
        """Where the model stands in what is optimized: ``/predictor`` in a Classifier, say."""
        places = [path for path, link in target.namedlinks() if link is self._link]
        prefix = places[0].rstrip("/") if places else ""
        lost = [path for path in self.start if prefix + path not in params]
        if lost:
            raise RuleError(
                f"{lost[0]}: L2SP has pretrained weights of it, and the optimizer's target has no "
                f"such parameter; {nearest(lost[0], params)}"
            )
        return prefix

    def _pull(self, param: chainer.Parameter, path: str, factor: float) -> None:
        start = self._start_of(path, param)
        scale = factor if param._loss_scale is None else factor * param._loss_scale
        with chainer.using_device(param.device):
            # Not in place: a gradient may be a view that others have, too.
            if start is None:
                param.grad = param.grad + self.new_rate * scale * param.array
            else:
                param.grad = param.grad + self.rate * scale * (param.array - start)

    def _start_of(self, path: str, param: chainer.Parameter) -> Any:
        start = self.start.get(path)
        if start is None:
            return None
        if start.shape != param.shape:
            raise RuleError(
                f"{path}: has shape {param.shape}, and its pretrained weights {start.shape}"
            )
        self.start[path] = start = param.device.send(start)
        return start


def _copies(model: chainer.Link) -> dict[str, Any]:
    return {
        s.path: s.array.copy() for s in slots(model) if s.kind == "param" and s.array is not None
    }
