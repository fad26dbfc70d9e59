"""Caffe's nets and recipes on Chainer: prototxts, nets, solvers, data layers.

The names below are resolved when they are first used; reading a prototxt does not load Chainer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainer_ft.lazy import lazily

if TYPE_CHECKING:
    from chainer_ft.caffe.data import feeder as feeder
    from chainer_ft.caffe.net import Net as Net
    from chainer_ft.caffe.prototxt import parse_net as parse_net
    from chainer_ft.caffe.prototxt import read_net as read_net
    from chainer_ft.caffe.prototxt import read_solver as read_solver
    from chainer_ft.caffe.solver import Optimizer as Optimizer
    from chainer_ft.caffe.solver import Policy as Policy
    from chainer_ft.caffe.solver import Snapshot as Snapshot
    from chainer_ft.caffe.solver import Solver as Solver
    from chainer_ft.caffe.solver import Tester as Tester
    from chainer_ft.caffe.solver import Updater as Updater
    from chainer_ft.caffe.solver import copy_weights as copy_weights
    from chainer_ft.caffe.solver import seeded as seeded

_OF_SOLVER = (
    "Optimizer",
    "Policy",
    "Snapshot",
    "Solver",
    "Tester",
    "Updater",
    "copy_weights",
    "seeded",
)
_HOMES = {
    "Net": "net",
    "feeder": "data",
    **dict.fromkeys(_OF_SOLVER, "solver"),
    "parse_net": "prototxt",
    "read_net": "prototxt",
    "read_solver": "prototxt",
}

__all__ = sorted(_HOMES)

__getattr__ = lazily(__name__, _HOMES)
