"""What is done to all gradients before the rules: made their own, clipped, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import chainer
import numpy as np


@dataclass(frozen=True)
class Clipped:
    """A gradient that was scaled down.

    Args:
        norm: Its L2 norm before.
        limit: What was allowed.
        factor: What it was multiplied by.
    """

    norm: np.float32
    limit: np.float32
    factor: np.float32


def own_gradients(parameters: Sequence[chainer.Parameter]) -> None:
    """Copy gradients that cannot be changed in place: broadcast ones, and one array for two."""
    seen: set[int] = set()
    for parameter in parameters:
        gradient = parameter.grad
        flags = gradient.flags
        writeable = flags.c_contiguous and getattr(flags, "writeable", True)
        if not writeable or id(gradient) in seen:
            parameter.grad = gradient.copy()
        seen.add(id(parameter.grad))


def clip(parameters: Sequence[chainer.Parameter], limit: np.float32) -> Clipped | None:
    """Scale gradients down to a norm, as one vector; in place.

    Args:
        parameters: Those that have a gradient.
        limit: The largest L2 norm; negative for none. 0 makes all gradients 0, as in Caffe.

    Returns:
        Clipped: What was done, or ``None``.
    """
    if limit < 0:
        return None
    squares = np.float32(0)
    for parameter in parameters:
        flat = parameter.grad.reshape(-1)
        squares += np.float32(float(flat.dot(flat)))
    norm = np.sqrt(squares)
    if not norm > limit:
        return None
    factor = np.float32(limit / norm)
    for parameter in parameters:
        gradient = parameter.grad
        gradient *= float(factor)
    return Clipped(norm, limit, factor)


def divide(parameters: Sequence[chainer.Parameter], count: int) -> None:
    """Make sums over batches means, in place."""
    if count == 1:
        return
    share = float(np.float32(1) / np.float32(count))
    for parameter in parameters:
        gradient = parameter.grad
        gradient *= share
