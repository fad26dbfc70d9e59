"""Learning rates that follow a curve over the whole training. Pure."""

from __future__ import annotations

import math


def one_cycle(progress: float, warm: float, start: float, end: float) -> float:
    """Up from ``start`` to 1 and down to ``end``, along half a cosine each.

    After L. N. Smith, "A disciplined approach to neural network hyper-parameters" (2018), with
    fastai's cosines in place of straight lines.

    Args:
        progress: Share of the training that is done, 0 to 1.
        warm: Share of it in which the rate rises.
        start: The first rate, as a share of the highest.
        end: The last rate, as a share of the highest.

    Example:
        >>> [round(one_cycle(x / 4, 0.25, 0.1, 0), 3) for x in range(5)]
        [0.1, 1.0, 0.75, 0.25, 0.0]
    """
    if progress < warm:
        return _between(start, 1.0, progress / warm)
    return _between(1.0, end, (progress - warm) / (1 - warm) if warm < 1 else 1.0)


def _between(first: float, last: float, share: float) -> float:
    """Half a cosine from one value to the other."""
    share = min(max(share, 0.0), 1.0)
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2
