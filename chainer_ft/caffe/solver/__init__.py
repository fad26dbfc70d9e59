"""Caffe's solver: update rules, learning rates, the loop, snapshots, the log.

The names below are resolved when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainer_ft.lazy import lazily

if TYPE_CHECKING:
    from chainer_ft.caffe.solver.extensions import Snapshot as Snapshot
    from chainer_ft.caffe.solver.extensions import Tester as Tester
    from chainer_ft.caffe.solver.log import Log as Log
    from chainer_ft.caffe.solver.optimizer import Optimizer as Optimizer
    from chainer_ft.caffe.solver.randomness import seeded as seeded
    from chainer_ft.caffe.solver.rates import Policy as Policy
    from chainer_ft.caffe.solver.rates import learning_rate as learning_rate
    from chainer_ft.caffe.solver.script import to_script as to_script
    from chainer_ft.caffe.solver.signals import Signals as Signals
    from chainer_ft.caffe.solver.solver import Solver as Solver
    from chainer_ft.caffe.solver.solverstate import read_solverstate as read_solverstate
    from chainer_ft.caffe.solver.solverstate import write_solverstate as write_solverstate
    from chainer_ft.caffe.solver.updater import Updater as Updater
    from chainer_ft.caffe.solver.weights import copy_weights as copy_weights

_HOMES = {
    "Log": "log",
    "Optimizer": "optimizer",
    "Policy": "rates",
    "Signals": "signals",
    "Snapshot": "extensions",
    "Solver": "solver",
    "Tester": "extensions",
    "Updater": "updater",
    "copy_weights": "weights",
    "learning_rate": "rates",
    "read_solverstate": "solverstate",
    "seeded": "randomness",
    "to_script": "script",
    "write_solverstate": "solverstate",
}

__all__ = sorted(_HOMES)

__getattr__ = lazily(__name__, _HOMES)
