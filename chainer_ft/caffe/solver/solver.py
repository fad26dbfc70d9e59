"""Caffe's solver: its loop, its tests, its snapshots and its log, over a Chainer model."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import chainer
import numpy as np

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import read_solver
from chainer_ft.caffe.solver.checks import check_can_snapshot, checked_optimizer
from chainer_ft.caffe.solver.feeding import Feed
from chainer_ft.caffe.solver.lines import SolverLog
from chainer_ft.caffe.solver.log import Log
from chainer_ft.caffe.solver.optimizer import Optimizer
from chainer_ft.caffe.solver.positions import Positions, read_positions
from chainer_ft.caffe.solver.randomness import seed_of, seeded
from chainer_ft.caffe.solver.running import as_float
from chainer_ft.caffe.solver.saved import check_names
from chainer_ft.caffe.solver.scores import Output
from chainer_ft.caffe.solver.setup import Setup, device_of, weight_files
from chainer_ft.caffe.solver.signals import Action, Requests
from chainer_ft.caffe.solver.smoothing import SmoothedLoss
from chainer_ft.caffe.solver.snapshots import restore_snapshot, take_snapshot
from chainer_ft.caffe.solver.testing import mean_outputs
from chainer_ft.caffe.solver.updater import Updater
from chainer_ft.errors import UsageError
from chainer_ft.types import Plan


def no_requests() -> Action:
    """Nobody asks for anything."""
    return "none"


class Solver:
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

    Example:
        >>> solver = Solver("solver.prototxt", weights=["lenet.caffemodel"])  # doctest: +SKIP
        >>> solver.solve()  # doctest: +SKIP
    """

    def __init__(
        self,
        solver: str | os.PathLike[str] | Message,
        *,
        weights: Sequence[str] = (),
        snapshot: str | os.PathLike[str] | None = None,
        level: int | None = None,
        stages: Sequence[str] = (),
        device: str | None = None,
        feed: Feed | None = None,
        log: Log | None = None,
    ) -> None:
        if weights and snapshot is not None:
            raise UsageError(
                "a snapshot brings its own weights: give --snapshot to resume, or --weights to "
                "fine-tune, not both"
            )
        self.param = solver.copy() if isinstance(solver, Message) else read_solver(solver)
        if weights or snapshot is not None:
            self.param.set("weights", list(weights))
        optimizer = checked_optimizer(self.param)
        if self.param.snapshot > 0:
            check_can_snapshot(self.param)
        self.log = SolverLog(log or Log(), self.param)
        found = None if snapshot is None else read_positions(os.fspath(snapshot))
        self.seed = seed_of(self.param.random_seed) if found is None else found.seed
        where = device_of(self.param) if device is None else device
        setup = Setup(self.param, self.seed, self.log, level, stages, where, feed)
        self.parts = setup.build(optimizer, list(weight_files(self.param.weights)))
        if self.param.snapshot_format == "HDF5":
            check_names(self.param.snapshot_prefix, [layer.name for layer in self.net.layers])
        self.stopped = False
        self.on_iteration: Callable[[Solver], None] = lambda solver: None
        self._smoothed = SmoothedLoss(self.param.average_loss)
        self._is_resumed = False
        self._before_test: dict[int, dict[str, int]] = {}
        if snapshot is not None:
            self.restore(snapshot)

    @property
    def iter(self) -> int:
        """Number of updates done."""
        return self.updater.iteration

    @property
    def updater(self) -> Updater:
        """What makes one update."""
        return self.parts.updater

    @property
    def optimizer(self) -> Optimizer:
        """Its optimizer."""
        return self.updater.optimizer

    @property
    def net(self) -> Net:
        """The net that is trained."""
        return self.updater.net

    @property
    def test_nets(self) -> list[Net]:
        """The nets that are tested; they share the parameters of the one that is trained."""
        return [test.net for test in self.parts.tests]

    @property
    def loss(self) -> np.float32:
        """Of the last iteration."""
        return self.updater.loss

    @property
    def reports(self) -> list[Plan]:
        """For each file of weights, what was copied and what was not."""
        return self.parts.reports

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
            self._closing_pass()
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

    def _closing_pass(self) -> None:
        """One more batch of training, for the log; it moves the statistics, as in Caffe."""
        with seeded(self.seed, self.iter), chainer.no_backprop_mode():
            loss, _ = self.updater.running.forward()
        smoothed = self._smoothed.add(self.iter, as_float(loss))
        self.log.closing(self.iter, smoothed)

    def test_all(self, requests: Requests = no_requests) -> list[list[Output]]:
        """Test every test net; the mean outputs of each."""
        results = []
        for i in range(len(self.parts.tests)):
            if self.stopped:
                break
            results.append(self.test(i, requests))
        return results

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
