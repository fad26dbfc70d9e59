"""The outputs of a net in the log: one line for each number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainer_ft.caffe.solver.log import number


@dataclass(frozen=True)
class Output:
    """A blob that no layer consumes.

    Args:
        name: Its name.
        values: Flat, float32.
        loss_weight: Its weight in the loss, 0 for none.
    """

    name: str
    values: np.ndarray
    loss_weight: float = 0.0


def lines(phase: str, outputs: Sequence[Output]) -> Iterator[str]:
    """What Caffe prints of outputs.

    Args:
        phase: ``Train`` or ``Test``.
        outputs: In Caffe's order.

    Example:
        >>> print(*lines("Test", [Output("loss", np.float32([1.5]), 2.0)]))
            Test net output #0: loss = 1.5 (* 2 = 3 loss)
    """
    index = 0
    for output in outputs:
        for value in output.values:
            yield f"    {phase} net output #{index}: {score(output, value)}"
            index += 1


def score(output: Output, value: np.float32) -> str:
    """``name = value``, and its part of the loss."""
    said = f"{output.name} = {number(value)}"
    if not output.loss_weight:
        return said
    weight = np.float32(output.loss_weight)
    with np.errstate(all="ignore"):
        return f"{said} (* {number(weight)} = {number(weight * value)} loss)"


class MeanOutputs:
    """Plain means over batches, of each number of each output, as float32 sums."""

    def __init__(self) -> None:
        self._sums: list[Output] = []

    def add(self, outputs: Sequence[Output]) -> None:
        """Take in a batch."""
        if not self._sums:
            self._sums = [Output(o.name, o.values.copy(), o.loss_weight) for o in outputs]
            return
        for total, output in zip(self._sums, outputs, strict=True):
            values = total.values
            values += output.values

    def mean(self, count: int) -> list[Output]:
        """The means over a number of batches."""
        share = np.float32(count)
        return [Output(o.name, o.values / share, o.loss_weight) for o in self._sums]
