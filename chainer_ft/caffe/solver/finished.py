"""The layers of a net as Caffe has them once it is built: what it adds to them, their blobs."""

from __future__ import annotations

from chainer_ft.caffe.blobs import CaffeBlob
from chainer_ft.caffe.layers import KINDS
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net

_STATISTICS = 3  # blobs of a BatchNorm


def blobs_of_layers(net: Net) -> list[list[CaffeBlob]]:
    """For each of a net's layers its blobs; layers of one name are kept apart."""
    blobs = list(net.params_in_order())[::-1]
    found: list[list[CaffeBlob]] = []
    for layer in net.layers:
        own: list[CaffeBlob] = []
        while blobs and (blobs[-1].layer, blobs[-1].index) == (layer.name, len(own)):
            own.append(blobs.pop())
        found.append(own)
    return found


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
