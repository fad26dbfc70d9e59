"""Caffe's learning-rate policies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chainer_ft.errors import UsageError
from chainer_ft.select import nearest

_F = np.float32


class Schedule(Protocol):
    """What a policy looks at; a solver's message has it, and :class:`Policy`."""

    @property
    def lr_policy(self) -> str: ...
    @property
    def base_lr(self) -> float: ...
    @property
    def gamma(self) -> float: ...
    @property
    def power(self) -> float: ...
    @property
    def stepsize(self) -> int: ...
    @property
    def stepvalue(self) -> Sequence[int]: ...
    @property
    def max_iter(self) -> int: ...


@dataclass(frozen=True)
class Policy:
    """The fields of a solver that make its learning rate, under Caffe's names.

    Args:
        lr_policy: ``fixed``, ``step``, ``exp``, ``inv``, ``multistep``, ``poly`` or ``sigmoid``.
        base_lr: The rate to begin with.
        gamma: Of step, exp, inv, multistep and sigmoid.
        power: Of inv and poly.
        stepsize: Iterations, of step; the middle of sigmoid.
        stepvalue: Iterations, of multistep.
        max_iter: Iterations, of poly.

    Example:
        >>> policy = Policy("step", base_lr=0.1, gamma=0.5, stepsize=5)
        >>> [f"{learning_rate(policy, t).value:g}" for t in (0, 4, 5, 10)]
        ['0.1', '0.1', '0.05', '0.025']
    """

    lr_policy: str
    base_lr: float
    gamma: float = 0.0
    power: float = 0.0
    stepsize: int = 0
    stepvalue: tuple[int, ...] = ()
    max_iter: int = 0


@dataclass(frozen=True)
class Rate:
    """A learning rate.

    Args:
        value: The rate, a float32.
        step: How many steps were taken; a snapshot keeps it, and ``multistep`` counts from it.
    """

    value: np.float32
    step: int


def learning_rate(solver: Schedule, iteration: int, step: int = 0) -> Rate:
    """The rate before the update that follows ``iteration`` others.

    Hyper-parameters are float32, as in Caffe's messages; powers are taken in double precision.

    Args:
        solver: A solver's message, or a :class:`Policy`.
        iteration: Number of updates done.
        step: The step of the rate before, which ``multistep`` goes on from.

    Raises:
        UsageError: The policy is unknown, or lacks what it needs.

    Example:
        >>> rate = learning_rate(Policy("multistep", 1, gamma=0.1, stepvalue=(2, 2)), 2, step=1)
        >>> rate.step, f"{rate.value:g}"
        (2, '0.01')
    """
    formula = _FORMULAS.get(solver.lr_policy)
    if formula is None:
        known = nearest(solver.lr_policy, _FORMULAS)
        raise UsageError(f"lr_policy {solver.lr_policy!r}: there is no such policy; {known}")
    with np.errstate(all="ignore"):
        value, step = formula(solver, iteration, step)
        return Rate(_F(value), step)


def _fixed(solver: Schedule, iteration: int, step: int) -> tuple[float, int]:
    return solver.base_lr, step


def _step(solver: Schedule, iteration: int, step: int) -> tuple[float, int]:
    step = iteration // _positive_stepsize(solver)
    return _base(solver) * _power(_gamma(solver), step), step


def _exp(solver: Schedule, iteration: int, step: int) -> tuple[float, int]:
    return _base(solver) * _power(_gamma(solver), iteration), step


def _inv(solver: Schedule, iteration: int, step: int) -> tuple[float, int]:
    grown = _F(1) + _F(_gamma(solver)) * _F(iteration)
    return _base(solver) * _power(float(grown), -float(_F(solver.power))), step


def _multistep(solver: Schedule, iteration: int, step: int) -> tuple[float, int]:
    values = solver.stepvalue
    if step < len(values) and iteration >= values[step]:
        step += 1  # once an iteration, so two equal values cost one more
    return _base(solver) * _power(_gamma(solver), step), step


def _poly(solver: Schedule, iteration: int, step: int) -> tuple[float, int]:
    left = _F(1) - np.divide(_F(iteration), _F(solver.max_iter))
    return _base(solver) * _power(float(left), solver.power), step


def _sigmoid(solver: Schedule, iteration: int, step: int) -> tuple[float, int]:
    middle = _F(_positive_stepsize(solver))
    exponent = -_F(_gamma(solver)) * (_F(iteration) - middle)
    return _base(solver) * float(1 / (1 + np.exp(np.float64(exponent)))), step


def _base(solver: Schedule) -> float:
    return float(_F(solver.base_lr))


def _power(base: float, exponent: float) -> float:
    """In double precision; a negative base with a broken exponent is NaN, as in C."""
    return float(np.power(np.float64(_F(base)), np.float64(_F(exponent))))


def _gamma(solver: Schedule) -> float:
    if not solver.gamma >= 0 or math.isinf(solver.gamma):
        raise UsageError(f"gamma: {solver.gamma}: lr_policy {solver.lr_policy!r} needs 0 or more")
    return solver.gamma


def _positive_stepsize(solver: Schedule) -> int:
    if solver.stepsize <= 0:
        raise UsageError(
            f"stepsize: {solver.stepsize}: lr_policy {solver.lr_policy!r} needs one above 0"
        )
    return solver.stepsize


_FORMULAS: dict[str, Callable[[Schedule, int, int], tuple[float, int]]] = {
    "fixed": _fixed,
    "step": _step,
    "exp": _exp,
    "inv": _inv,
    "multistep": _multistep,
    "poly": _poly,
    "sigmoid": _sigmoid,
}
