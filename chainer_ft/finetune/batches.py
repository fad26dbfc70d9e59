"""Batches as a flat list of arrays, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import chainer

from chainer_ft.finetune.split import CannotSplit

Build = Callable[[Sequence[Any]], Any]


def flatten(batch: Any) -> tuple[list[Any], Build]:
    """The arrays of a converted batch, and the function that builds the batch of others.

    Args:
        batch: An array, or a tuple or dictionary of arrays.

    Raises:
        CannotSplit: It is anything else.

    Example:
        >>> import numpy as np
        >>> arrays, build = flatten({"x": np.zeros(2), "t": np.ones(2)})
        >>> build(["first", "second"])
        {'x': 'first', 't': 'second'}
    """
    if isinstance(batch, dict):
        names = list(batch)
        return _arrays(list(batch.values())), lambda new: dict(zip(names, new, strict=True))
    if isinstance(batch, tuple):
        return _arrays(list(batch)), tuple
    return _arrays([batch]), lambda new: new[0]


def _arrays(values: list[Any]) -> list[Any]:
    for value in values:
        if not isinstance(value, chainer.get_array_types()) or not value.ndim:
            raise CannotSplit(
                f"the converter gives a {type(value).__name__} besides arrays of the samples"
            )
    return values


def apply(function: Callable[..., Any], batch: Any) -> Any:
    """Call a function with a batch as Chainer's updaters do."""
    if isinstance(batch, tuple):
        return function(*batch)
    if isinstance(batch, dict):
        return function(**batch)
    return function(batch)


def flat(result: Any) -> list[Any]:
    """The values of what a function returned."""
    if isinstance(result, dict):
        return [item for value in result.values() for item in flat(value)]
    if isinstance(result, (tuple, list)):
        return [item for value in result for item in flat(value)]
    return [result]
