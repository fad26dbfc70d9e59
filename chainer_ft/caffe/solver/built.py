"""What a solver is made of, from its file to nets, optimizer and log."""

from __future__ import annotations

import os
from collections.abc import Sequence

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
from chainer_ft.caffe.solver.positions import read_positions
from chainer_ft.caffe.solver.randomness import seed_of
from chainer_ft.caffe.solver.saved import check_names
from chainer_ft.caffe.solver.setup import Setup, device_of, weight_files
from chainer_ft.caffe.solver.updater import Updater
from chainer_ft.errors import UsageError
from chainer_ft.types import Plan


class BuiltSolver:
    """The parts of a :class:`~chainer_ft.caffe.Solver`, whose arguments these are."""

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
        chainer.get_device(where).use()  # of several GPUs, this one
        setup = Setup(self.param, self.seed, self.log, level, stages, where, feed)
        self.parts = setup.build(optimizer, list(weight_files(self.param.weights)))
        if self.param.snapshot_format == "HDF5" and self._will_snapshot():
            check_names(self.param.snapshot_prefix, [layer.name for layer in self.net.layers])
        self.stopped = False

    def _will_snapshot(self) -> bool:
        return bool(self.param.snapshot > 0 or self.param.snapshot_after_train)

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
