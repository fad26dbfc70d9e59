"""Caffe's nets and recipes on Chainer: prototxts, nets, solvers, data layers.

The names below are resolved when they are first used; reading a prototxt does not load Chainer.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
    "Net": "chainer_ft.caffe.net",
    "feeder": "chainer_ft.caffe.data",
    **dict.fromkeys(_OF_SOLVER, "chainer_ft.caffe.solver"),
    "parse_net": "chainer_ft.caffe.prototxt",
    "read_net": "chainer_ft.caffe.prototxt",
    "read_solver": "chainer_ft.caffe.prototxt",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'chainer_ft.caffe' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
