"""Caffe's solver: its loop, its tests, its snapshots, over a Chainer model."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.solver.built import BuiltSolver
from chainer_ft.caffe.solver.checks import check_can_snapshot
from chainer_ft.caffe.solver.positions import Positions, read_positions
from chainer_ft.caffe.solver.scores import Output
from chainer_ft.caffe.solver.signals import Requests, no_requests
from chainer_ft.caffe.solver.smoothing import SmoothedLoss
from chainer_ft.caffe.solver.snapshots import restore_snapshot, take_snapshot
from chainer_ft.caffe.solver.testing import closing_loss, mean_outputs


class Solver(BuiltSolver):
    """Runs a ``solver.prototxt`` as Caffe runs it.

    Args:
        solver: The file, or its message.
        weights: Files to copy weights from, by layer name; in place of the solver's own.
        snapshot: A ``.solverstate`` or ``.solverstate.h5`` to go on from; its own weights come
            with it, so ``weights`` cannot be given too.
        level: The net's level; by default that of the files.
        stages: Stages of the net, besides those of the files.
        device: ``"@cupy:0"``, ``"@numpy"``; by default the processor, unless the file says
            ``solver_mode: GPU`` in so many words.
        feed: Gives the batches of a data layer, ``feed(layer, phase)`` an iterator of an array for
            each top; by default the layer says where they are.
        log: Where the log goes; by default nowhere.

    Attributes:
        param: The solver's message.
        seed: Of all random numbers.
        stopped: Whether a request ended the last :meth:`solve`.
        on_iteration: Called after each update, with this solver.

    Raises:
        UsageError: A field has a value that Caffe refuses; names file, line and column.
        FormatError: A file cannot be read.
    """

    def __init__(
        self,
        solver: str | os.PathLike[str] | Message,
        *,
        snapshot: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(solver, snapshot=snapshot, **options)
        self.on_iteration: Callable[[Solver], None] = lambda solver: None
        self._smoothed = SmoothedLoss(self.param.average_loss)
        self._is_resumed = False
        self._before_test: dict[int, dict[str, int]] = {}
        if snapshot is not None:
            self.restore(snapshot)

    def solve(self, requests: Requests = no_requests) -> bool:
        """Train up to ``max_iter``, with tests, snapshots and the closing pass as in Caffe.

        Args:
            requests: Asked after each iteration, and before each batch of a test, what somebody
                wants; see :class:`~chainer_ft.caffe.solver.signals.Signals`.

        Returns:
            bool: Whether it came to its end, and was not stopped.
        """
        if self.param.snapshot_after_train:  # Caffe finds out at the end
            check_can_snapshot(self.param)
        self.log.begin(self.net.message.name)
        self.stopped = False
        self.step(self.param.max_iter - self.iter, requests)
        if self.param.snapshot_after_train and not self._is_due(self.param.snapshot):
            self.snapshot()
        if self.stopped:
            self.log.stopped()
            return False
        if self._is_due(self.param.display):
            smoothed = self._smoothed.add(self.iter, closing_loss(self.updater))
            self.log.closing(self.iter, smoothed)
        if self._is_due(self.param.test_interval):
            self.test_all(requests)
        self.log.done()
        return True

    def step(self, iterations: int, requests: Requests = no_requests) -> None:
        """Train for some iterations, with the tests and snapshots that fall due.

        Args:
            iterations: How many updates.
            requests: See :meth:`solve`.
        """
        end = self.iter + iterations
        if not self._is_resumed:
            self._smoothed = SmoothedLoss(self.param.average_loss, self.iter)
        self._is_resumed = False
        self.log.start_clock()
        while self.iter < end:
            if self._is_due(self.param.test_interval) and (
                self.iter > 0 or self.param.test_initialization
            ):
                self.test_all(requests)
                if self.stopped:
                    break
            self._iterate()
            action = requests()
            if self._is_due(self.param.snapshot) or action == "snapshot":
                self.snapshot()
            if action == "stop":
                self.stopped = True
                break

    def _is_due(self, interval: int) -> bool:
        return interval > 0 and self.iter % interval == 0

    def _iterate(self) -> None:
        """One update, and what the log says of it."""
        iteration, step = self.iter, self.optimizer.rate.step
        is_shown = self._is_due(self.param.display)
        self.updater.debug = self.log.line if is_shown and self.param.debug_info else None
        self.updater.update()
        smoothed = self._smoothed.add(iteration, float(self.loss))
        if is_shown:
            self.log.iteration(iteration, smoothed, self.updater.outputs)
        self.log.update(iteration, is_shown, step, self.optimizer)
        self.on_iteration(self)

    def test_all(self, requests: Requests = no_requests) -> list[list[Output]]:
        """Test every test net; the mean outputs of each."""
        tests = range(len(self.parts.tests))
        return [self.test(i, requests) for i in tests if not self.stopped]

    def test(self, index: int = 0, requests: Requests = no_requests) -> list[Output]:
        """Run ``test_iter`` batches through a test net.

        Args:
            index: Which.
            requests: See :meth:`solve`.

        Returns:
            list: Its outputs, each number the plain mean over the batches; none if it was stopped.
        """
        running = self.parts.tests[index]
        self.log.testing(self.iter, index, self.parts.ignored[index])
        self._before_test[index] = running.feeds.positions()
        result = mean_outputs(running, lambda: self._attend(requests))
        if result is None:
            self.log.interrupted()
            return []
        del self._before_test[index]
        self.log.tested(*result)
        return result[1]

    def _attend(self, requests: Requests) -> bool:
        """Do all that is asked for in the middle of a test; whether it may go on."""
        while (action := requests()) != "none":
            if action == "snapshot":
                self.snapshot()
            else:
                self.stopped = True
        return not self.stopped

    def snapshot(self) -> str:
        """Write weights and state, ``PREFIX_iter_N``; the path of the state."""
        tests = [test.feeds.positions() for test in self.parts.tests]
        tests = [self._before_test.get(i, at) for i, at in enumerate(tests)]
        train = self.updater.running.feeds.positions()
        positions = Positions(self.iter, self.seed, train, tests, self._smoothed.state())
        return take_snapshot(self.param, self.updater, positions, self.log.line)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from a snapshot, and where the data stood if that is known.

        Args:
            path: ``.solverstate`` or ``.solverstate.h5``.

        Raises:
            NotWeightsError: It is a file of weights.
            FormatError: It is damaged, or its weights are not found.
            ArrayError: It was made with another net or another type of solver.
        """
        name = os.fspath(path)
        self.log.resuming(name)
        restore_snapshot(self.net, self.optimizer, name, self.log)
        found = read_positions(name)
        if found is None or found.iter != self.iter:
            self.log.begins_again(name)
            return
        self.updater.running.feeds.seek(found.train)
        for test, at in zip(self.parts.tests, found.test, strict=False):
            test.feeds.seek(at)
        self._smoothed = SmoothedLoss(self.param.average_loss, **found.smoothing)
        self._is_resumed = bool(found.smoothing)
