"""Caffe's nets and recipes on Chainer: prototxts, nets, solvers, data layers.

The names below are resolved when they are first used; reading a prototxt does not load Chainer.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainer_ft.caffe.data import feeder as feeder
    from chainer_ft.caffe.net import Net as Net
    from chainer_ft.caffe.prototxt import read_net as read_net
    from chainer_ft.caffe.prototxt import read_solver as read_solver

_HOMES = {
    "Net": "chainer_ft.caffe.net",
    "feeder": "chainer_ft.caffe.data",
    "read_net": "chainer_ft.caffe.prototxt",
    "read_solver": "chainer_ft.caffe.prototxt",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'chainer_ft.caffe' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
