"""What a snapshot of a solver holds, whichever format it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from chainer_ft.errors import FormatError, NotWeightsError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SolverState:
    """A snapshot of a solver.

    Args:
        iter: Number of updates done.
        learned_net: Path of the weights that belong to it, as the solver wrote it.
        current_step: Number of steps that the learning rate has taken.
        history: The update rule's float32 arrays, in the order of the net's parameters; of
            AdaDelta and Adam all first ones, then all second ones.
    """

    iter: int
    learned_net: str
    current_step: int
    history: tuple[np.ndarray, ...]


def not_a_state(path: str) -> NoReturn:
    """Raise for a file of weights."""
    raise NotWeightsError(
        f"{path}: holds the weights of a net and no state of a solver; give it with --weights, or "
        "give the .solverstate beside it with --snapshot"
    )


def count(path: str, name: str, value: int) -> int:
    """A number that cannot be negative."""
    if value < 0:
        raise FormatError(f"{path}: {name} is {value}; the file is damaged")
    return value
