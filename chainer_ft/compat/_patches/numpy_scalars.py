"""What NumPy 2 changed about single numbers.

The sums below are the ones to fear: nothing raises, a logged figure is wrong. With NEP 50 a
Python number no longer widens a float16 or float32 scalar to float64, so a running sum that
starts at Python's 0 stays as narrow as what is added to it.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import arrays_are_no_scalars, scalars_stay_narrow


def one_number(convert: type) -> Any:
    """``int`` or ``float`` as it was: an array with one element is that element."""

    @functools.wraps(convert, updated=())
    def converted(value: Any = 0) -> Any:
        return convert(value.item() if getattr(value, "size", None) == 1 else value)

    return converted


def _shadow_float(module: ModuleType) -> None:
    module.float = one_number(float)  # type: ignore[attr-defined]


def widened(value: Any) -> Any:
    """A narrow NumPy scalar as NumPy 1 took it into a sum: 64 bits wide.

    Example:
        >>> import numpy
        >>> widened(numpy.float16(0.5)).dtype, widened(0.5)
        (dtype('float64'), 0.5)
    """
    import numpy

    if not isinstance(value, (numpy.generic, numpy.ndarray)) or value.ndim:
        return value
    wide: Any = {"f": numpy.float64, "i": numpy.int64, "u": numpy.int64}.get(value.dtype.kind)
    return wide(value) if wide is not None and value.dtype.itemsize < 8 else value


def _patch_summary(module: ModuleType) -> None:
    add = module.Summary.add

    @functools.wraps(add)
    def add_widened(self: Any, value: Any, weight: Any = 1) -> None:
        add(self, widened(value), widened(weight))

    module.Summary.add = add_widened


def _patch_micro_average(module: ModuleType) -> None:
    call = module.MicroAverage.__call__

    @functools.wraps(call)
    def call_widened(self: Any, trainer: Any) -> None:
        narrow = trainer.observation
        keys = {self._numerator_key, self._denominator_key} & narrow.keys()
        wide = {key: widened(narrow[key]) for key in keys}
        originals = {key: narrow[key] for key in keys}
        narrow.update(wide)
        try:
            call(self, trainer)
        finally:
            narrow.update(originals)

    module.MicroAverage.__call__ = call_widened


def _patch_gradient_clipping(module: ModuleType) -> None:
    def widened_sum(values: Iterable[Any]) -> Any:
        return builtins.sum(widened(value) for value in values)

    module.sum = widened_sum  # type: ignore[attr-defined]


PATCHES = (
    Patch(
        name="micro-average-float",
        module="chainer.training.extensions.micro_average",
        where="chainer/training/extensions/micro_average.py:84",
        reason="float() of an array with one element raises (NumPy 2.4), where a reported value "
        "has shape (1,).",
        needed=arrays_are_no_scalars,
        apply=_shadow_float,
    ),
    Patch(
        name="summary-float64",
        module="chainer.reporter",
        where="chainer/reporter.py:298, :299",
        reason="Means of reported float16 and float32 scalars are summed in that dtype: 20,000 "
        "times 0.9 in float16 gives a mean of 0.10.",
        needed=scalars_stay_narrow,
        apply=_patch_summary,
    ),
    Patch(
        name="micro-average-float64",
        module="chainer.training.extensions.micro_average",
        where="chainer/training/extensions/micro_average.py:80, :81",
        reason="MicroAverage sums float16 and float32 scalars in that dtype.",
        needed=scalars_stay_narrow,
        apply=_patch_micro_average,
    ),
    Patch(
        name="gradient-clipping-float64",
        module="chainer.optimizer_hooks.gradient_clipping",
        where="chainer/optimizer_hooks/gradient_clipping.py:42",
        reason="The squared norms of float16 gradients are summed in float16: above 65,504 the "
        "norm is inf, and GradientClipping sets every gradient to zero.",
        needed=scalars_stay_narrow,
        apply=_patch_gradient_clipping,
    ),
)
