"""What Caffe adds to the layers of a net while it builds it, which snapshots show."""

from __future__ import annotations

from chainer_ft.caffe.layers import KINDS
from chainer_ft.caffe.message import Message

_STATISTICS = 3  # blobs of a BatchNorm


def finished(layer: Message, phase: str) -> Message:
    """Give a layer its phase, a loss its weight of 1, and statistics their rates of 0.

    Args:
        layer: A layer of a net, behind :func:`~chainer_ft.caffe.splits.insert_splits`; changed.
        phase: The net's.
    """
    if not layer.has("phase"):
        layer.set("phase", phase)
    if layer.type in KINDS and KINDS[layer.type].is_loss and not layer.has("loss_weight"):
        layer.set("loss_weight", [1.0])
    if layer.type == "BatchNorm":
        for _ in range(len(layer.param), _STATISTICS):
            layer.add("param", Message("ParamSpec", lr_mult=0.0))
    return layer
