"""A parameter that knows its part in fine-tuning.

What is said of a parameter has to hold before ``optimizer.setup`` and after a second one, through
copies, pickles and devices. All of these go through the Parameter object and nothing else does, so
this is where it is kept: the object changes its class, and changes it back when there is nothing
left to say.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import chainer
from chainer.variable import VariableNode

from chainer_ft.errors import UsageError
from chainer_ft.training.hyperparameters import Scaled
from chainer_ft.training.tuning import Tuning, has_rate, prepare, release

#: Set while an optimizer asks whether there is a gradient, looks at none, and would make zeros.
only_whether: ContextVar[bool] = ContextVar("chainer_ft_only_whether", default=False)


class TunedParameter(chainer.Parameter):  # type: ignore[misc]
    """A :class:`~chainer.Parameter` with a :class:`Tuning`; made by :func:`become`.

    A frozen one has no gradient. Optimizers make zeros for every parameter without one and let
    their hooks work on them; they get zeros here too, new ones each time, which nobody keeps.
    """

    _tuning = Tuning()
    _rule: chainer.UpdateRule | None = None
    _zeros_wanted = False
    _lent: Any = None

    @property
    def update_rule(self) -> chainer.UpdateRule | None:
        """The update rule, which a frozen parameter keeps disabled."""
        return self._rule

    @update_rule.setter
    def update_rule(self, rule: chainer.UpdateRule | None) -> None:
        release(self._rule, self._tuning)
        self._rule = rule
        prepare(rule, self._tuning)

    def update(self) -> None:
        """Update the array, unless it is frozen."""
        if self._tuning.frozen:
            return
        if self._tuning.lr_mult != 1.0 and not has_rate(self._rule):
            self._scaled_update()
        else:
            super().update()

    def _scaled_update(self) -> None:
        """Take a share of the step of a rule that knows no learning rate (AdaDelta)."""
        before = self._master().array.copy()
        super().update()
        moved = self._master()
        moved.array[...] = before + self._tuning.lr_mult * (moved.array - before)
        if moved is not self:
            self.array[...] = moved.array.astype(self.dtype)

    def _master(self) -> chainer.Parameter:
        """The copy in single precision that the rule updates, if there is one."""
        master = getattr(self._rule, "_fp32_param", None)
        return self if master is None else master

    def _get_grad(self) -> Any:
        if not self._tuning.frozen:
            return super()._get_grad()
        array = self._data[0]
        if only_whether.get():
            self._zeros_wanted = array is not None
            return array
        if not self._zeros_wanted or array is None:
            return None
        with chainer.using_device(self.device):  # zeros_like would touch all of the memory
            return self.device.xp.zeros(array.shape, array.dtype)

    def initialize(self, shape: tuple[int, ...]) -> None:
        """Make a new array; if frozen, it is the one that stands still from now on."""
        super().initialize(shape)
        if self._tuning.frozen:
            self._tuning = replace(self._tuning, digest=None)

    def _set_grad(self, grad: Any, *, layout_check: bool = True) -> None:
        super()._set_grad(grad, layout_check=layout_check)
        # MultiprocessParallelUpdater keeps the address of what it sets here, and the array is its
        # own no more; zeros of the optimizer, set without the check, are not needed again.
        self._lent = grad if self._tuning.frozen and layout_check else None

    def cleargrad(self) -> None:
        """Forget the gradient."""
        super().cleargrad()
        self._lent = None

    def _set_grad_without_check(self, grad: Any) -> None:
        if self._tuning.frozen:
            self._zeros_wanted = grad is not None
        else:
            super()._set_grad_without_check(grad)

    def _set_grad_var_without_check(self, grad_var: Any) -> None:
        if self._tuning.frozen:
            self._zeros_wanted = grad_var is not None
        else:
            super()._set_grad_var_without_check(grad_var)

    def __copy__(self) -> TunedParameter:
        made: TunedParameter = self._copy_to(TunedParameter())
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        make, args = super().__reduce__()
        return _recover, (make, args, self._tuning)


def _recover(make: Any, args: tuple[Any, ...], tuning: Tuning) -> chainer.Parameter:
    """A parameter out of a pickle or a deep copy, with its part in fine-tuning."""
    param = make(*args)
    rule = param.update_rule
    if isinstance(getattr(rule, "hyperparam", None), Scaled):
        rule.hyperparam = rule.hyperparam.parent
    become(param, tuning)
    return param


def become(param: chainer.Parameter, new: Tuning, path: str = "") -> None:
    """Let a parameter be what is said of it; a plain one where nothing is said.

    Raises:
        UsageError: It is of a class of its own, or lives on ChainerX.
    """
    check_class(param, path)
    rule = param.update_rule
    param.update_rule = None
    param.__class__ = chainer.Parameter if new.is_plain else TunedParameter
    for name in ("update_rule", "_rule", "_tuning", "_zeros_wanted", "_lent"):
        param.__dict__.pop(name, None)
    if new.is_plain:
        param.__dict__["update_rule"] = None
    else:
        param._tuning = new
    _set_gradient(param, new)
    param.update_rule = rule


def check_class(param: chainer.Parameter, path: str) -> None:
    """Raise :class:`UsageError` for a parameter of which nothing can be said."""
    if type(param) not in (chainer.Parameter, TunedParameter):
        raise UsageError(
            f"{path or param.name}: is a {type(param).__name__}, a class of its own derived from "
            "Parameter; only chainer.Parameter itself can be frozen or get a multiplier"
        )
    if getattr(param, "_has_chainerx_array", False):
        raise UsageError(
            f"{path or param.name}: lies on a ChainerX device, whose gradients Chainer does not "
            "control; move the model to a NumPy or CuPy device first (model.to_device('@numpy'))"
        )


def _set_gradient(param: chainer.Parameter, new: Tuning) -> None:
    """Let backward stop at a frozen parameter, and go on to a live one."""
    needed = new.required_grad and not new.frozen
    if needed and param._requires_grad and param._node.requires_grad:
        return
    param._grad = param._grad_var = None
    param._grad_valid = True
    param._requires_grad = needed
    param._node = VariableNode(param, param.name)
