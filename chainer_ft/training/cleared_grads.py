"""Optimizers fill in zeros for every missing gradient, several times a step; not frozen ones'.

Chainer does so before and after each hook and after the update, with arrays as large as the
parameters: of a frozen body it costs more than its forward.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from chainer.optimizer import GradientMethod

from chainer_ft.training.tuned_parameter import only_whether

_MARK = "_chainer_ft_spares"


def install() -> None:
    """Patch Chainer, once in a process."""
    if not hasattr(GradientMethod.reallocate_cleared_grads, _MARK):
        plain = GradientMethod.reallocate_cleared_grads
        GradientMethod.reallocate_cleared_grads = _sparing(plain)


def _sparing(plain: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(plain)
    def reallocate_cleared_grads(self: Any) -> None:
        token = only_whether.set(True)
        try:
            plain(self)
        finally:
            only_whether.reset(token)

    setattr(reallocate_cleared_grads, _MARK, True)
    return reallocate_cleared_grads
