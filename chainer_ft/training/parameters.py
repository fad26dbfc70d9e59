"""What is said of a parameter: asking and changing it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import chainer

from chainer_ft.training.tuned_parameter import TunedParameter, become
from chainer_ft.training.tuning import Tuning, forget_state


def tuning_of(param: chainer.Parameter) -> Tuning:
    """What is said of a parameter.

    Example:
        >>> import chainer
        >>> tuning_of(chainer.Parameter(0, (2,))).lr_mult
        1.0
    """
    return param._tuning if isinstance(param, TunedParameter) else Tuning()


def tune(
    param: chainer.Parameter, path: str = "", *, keep_state: bool = False, **changes: Any
) -> None:
    """Change what is said of a parameter.

    What becomes frozen loses its gradient and its optimizer state; what becomes live begins with
    fresh state (``t = 0``). A rule that was off before the freeze is off after it.

    Args:
        param: The parameter.
        path: Its path, for messages.
        keep_state: Leave the optimizer state as it is, because it was just loaded.
        changes: Fields of :class:`Tuning`.

    Raises:
        UsageError: The parameter is of a class of its own, or lives on ChainerX.
    """
    old = tuning_of(param)
    new = replace(old, **changes)
    if new == old:
        return
    if new.frozen and not old.frozen:
        new = _with_own_state(param, new)
    elif not new.frozen:
        new = replace(new, digest=None, pending=False)
    become(param, new, path)
    if old.frozen != new.frozen and not (keep_state or new.was_disabled):
        forget_state(param.update_rule)


def _with_own_state(param: chainer.Parameter, new: Tuning) -> Tuning:
    rule = param.update_rule
    disabled = rule is not None and not rule.enabled
    return replace(new, was_disabled=disabled, required_grad=param.requires_grad)
