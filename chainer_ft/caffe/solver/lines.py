"""What a solver says, line by line, and where Caffe says it."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.solver.log import Log, number
from chainer_ft.caffe.solver.scores import Output, lines

if TYPE_CHECKING:
    from chainer_ft.caffe.solver.optimizer import Optimizer

_ITERATION, _TRAIN_OUTPUT, _TEST_OUTPUT = "solver.cpp:239", "solver.cpp:258", "solver.cpp:414"


class SolverLog:
    """The log of a solver.

    Args:
        log: Where it goes.
        solver: The solver's message.
    """

    def __init__(self, log: Log, solver: Message) -> None:
        self.line, self._solver = log, solver
        self._clock = monotonic()
        self._shown: int | None = None

    def ignoring(self, layer: str) -> None:
        """A layer that another net does not have."""
        self.line("net.cpp:744", f"Ignoring source layer {layer}")

    def left_at_filler(self, layers: Sequence[str]) -> None:
        """What Caffe does not say: layers that no file had weights for."""
        if layers:
            said = (
                f"Layers that no file has weights for, left at their fillers: {', '.join(layers)}"
            )
            self.line("weights.py:1", said, "W")

    def resuming(self, path: str) -> None:
        """A snapshot is read."""
        self.line("caffe.cpp:227", f"Resuming from {path}")

    def begins_again(self, path: str) -> None:
        """A snapshot does not say where the data stood, as Caffe's own do not."""
        said = "data and random numbers begin anew, as in Caffe"
        self.line("positions.py:1", f"No {path}.json of this snapshot: {said}")

    def begin(self, name: str) -> None:
        """The lines that scripts take for the start."""
        self.line("solver.cpp:289", f"Solving {name}")
        self.line("solver.cpp:290", f"Learning Rate Policy: {self._solver.lr_policy}")

    def start_clock(self) -> None:
        """Time the next display from now."""
        self._clock = monotonic()

    def iteration(self, iteration: int, smoothed: np.float32, outputs: Sequence[Output]) -> None:
        """An iteration that is displayed."""
        seconds = np.float32(monotonic() - self._clock)
        done = 0 if self._shown is None else iteration - self._shown
        rate = done / (float(seconds) or 1.0)
        took = f"{number(seconds)}s/{self._solver.display} iters"
        self.line(
            _ITERATION,
            f"Iteration {iteration} ({number(rate)} iter/s, {took}), loss = {number(smoothed)}",
        )
        self._clock, self._shown = monotonic(), iteration
        for line in lines("Train", outputs):
            self.line(_TRAIN_OUTPUT, line)

    def update(self, iteration: int, is_shown: bool, step: int, optimizer: Optimizer) -> None:
        """What an update says: a step, the rate, clipping."""
        rate, clipped = optimizer.rate, optimizer.clipped
        if self._solver.lr_policy == "multistep" and rate.step != step:
            self.line(
                "sgd_solver.cpp:77",
                f"MultiStep Status: Iteration {iteration}, step = {rate.step}",
            )
        if is_shown:
            self.line("sgd_solver.cpp:112", f"Iteration {iteration}, lr = {number(rate.value)}")
        if clipped is not None:
            self.line(
                "sgd_solver.cpp:98",
                "Gradient clipping: scaling down gradients (L2 norm "
                f"{number(clipped.norm)} > {number(clipped.limit)}) by scale factor "
                f"{number(clipped.factor)}",
            )

    def testing(self, iteration: int, index: int, ignored: Sequence[str]) -> None:
        """A test begins; layers of the trained net that the tested one does not have."""
        self.line("solver.cpp:347", f"Iteration {iteration}, Testing net (#{index})")
        for layer in ignored:
            self.line("net.cpp:685", f"Ignoring source layer {layer}")

    def tested(self, loss: np.float32, outputs: Sequence[Output]) -> None:
        """A test is over."""
        if self._solver.test_compute_loss:
            self.line("solver.cpp:396", f"Test loss: {number(loss)}")
        for line in lines("Test", outputs):
            self.line(_TEST_OUTPUT, line)

    def interrupted(self) -> None:
        """A test was stopped."""
        self.line("solver.cpp:391", "Test interrupted.")

    def stopped(self) -> None:
        """Training was stopped."""
        self.line("solver.cpp:309", "Optimization stopped early.")

    def closing(self, iteration: int, smoothed: np.float32) -> None:
        """The pass after the last update."""
        self.line("solver.cpp:327", f"Iteration {iteration}, loss = {number(smoothed)}")

    def done(self) -> None:
        """The end."""
        self.line("solver.cpp:332", "Optimization Done.")
