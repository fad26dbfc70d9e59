"""Power, Exp, Log."""

from __future__ import annotations

from collections.abc import Callable
from math import e, log
from typing import Any

import chainer.functions as F  # noqa: N812

from chainer_ft.caffe.layers.base import constant, layer_error
from chainer_ft.caffe.message import Message

Variable = Any


def power(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """(shift + scale · x) ** power; a constant where power or scale is 0."""
    parameter = layer.power_param
    exponent, scale, shift = parameter.power, parameter.scale, parameter.shift
    if exponent * scale == 0:
        value = 1.0 if exponent == 0 else shift**exponent
        return lambda x: constant(x.xp.full_like(x.array, value))
    return lambda x: _to_the(_affine(x, scale, shift), exponent)


def _affine(x: Variable, scale: float, shift: float) -> Variable:
    x = x if scale == 1 else x * scale
    return x if shift == 0 else x + shift


def _to_the(x: Variable, exponent: float) -> Variable:
    return x if exponent == 1 else F.square(x) if exponent == 2 else x**exponent


def exp(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """base ** (shift + scale · x); base -1 is e."""
    parameter = layer.exp_param
    factor = log(_base(layer, parameter))
    scale, shift = parameter.scale * factor, parameter.shift * factor
    return lambda x: F.exp(_affine(x, scale, shift))


def logarithm(layer: Message, phase: str) -> Callable[[Variable], Variable]:
    """The logarithm of shift + scale · x to a base; base -1 is e."""
    parameter = layer.log_param
    factor = 1 / log(_base(layer, parameter))
    scale, shift = parameter.scale, parameter.shift
    return lambda x: _affine(F.log(_affine(x, scale, shift)), factor, 0)


def _base(layer: Message, parameter: Message) -> float:
    if parameter.base == -1:
        return e
    if parameter.base <= 0:
        raise layer_error(layer, f"base is {parameter.base:g}; it is positive, or -1 for e")
    base: float = parameter.base
    return base
