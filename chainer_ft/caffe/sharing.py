"""Parameters that several layers share by the name in their ``param``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chainer_ft.caffe.blobs import CaffeBlob
from chainer_ft.caffe.layers.base import NetError
from chainer_ft.caffe.layers.inner_product import InnerProduct
from chainer_ft.caffe.message import Message
from chainer_ft.errors import ArrayError

_MULTIPLIERS = ("lr_mult", "decay_mult")


def share(blobs: Sequence[CaffeBlob]) -> list[CaffeBlob]:
    """Let blobs of one name be one array: that of the first layer that names it.

    Args:
        blobs: All blobs of a net, in order.

    Returns:
        list: The same blobs; those that are shared know their owner.

    Raises:
        NetError: Two layers want other multipliers for one array.
    """
    owners: dict[str, CaffeBlob] = {}
    result = []
    for blob in blobs:
        owner = owners.setdefault(blob.share_name, blob) if blob.share_name else blob
        if owner is not blob:
            _adopt_multipliers(owner, blob)
            _alias(owner, blob)
            blob = replace(blob, owner=owner, spec=owner.spec)
        result.append(blob)
    return result


def _adopt_multipliers(owner: CaffeBlob, blob: CaffeBlob) -> None:
    for name in _MULTIPLIERS:
        if not blob.spec.has(name):
            continue
        if not owner.spec.has(name):
            owner.spec.take(blob.spec, name)
        elif getattr(owner.spec, name) != getattr(blob.spec, name):
            raise NetError(
                f"{blob.spec.where(name)}: layer {blob.layer!r} shares {blob.share_name!r} with "
                f"layer {owner.layer!r}, but their {name} differ; give both the same"
            )


def _alias(owner: CaffeBlob, blob: CaffeBlob) -> None:
    if owner.is_statistic != blob.is_statistic:
        raise NetError(
            f"{blob.spec.where()}: layer {blob.layer!r} shares {blob.share_name!r} with layer "
            f"{owner.layer!r}, but one is a statistic and the other is trained"
        )
    if owner.is_statistic:
        blob.link.share(owner.link)
        return
    blob.link.__dict__[blob.name] = getattr(owner.link, owner.name)
    if isinstance(blob.link, InnerProduct) and blob.name == "W":
        blob.link.borrowed_transposed = blob.transposed != owner.transposed


def share_layers(
    layers: Sequence[Message],
    blobs: Sequence[CaffeBlob],
    others: Sequence[Message],
    trained: Sequence[CaffeBlob],
) -> tuple[str, ...]:
    """Let the layers of a net use the blobs of another net's layers of the same names.

    Args:
        layers: Of the net that takes.
        blobs: Its blobs.
        others: The layers of the net that gives.
        trained: Its blobs.

    Returns:
        tuple of str: The other net's layers that this one does not have.

    Raises:
        ArrayError: The layers of one name have blobs of another number or shape.
    """
    names = {layer.name for layer in layers}
    for name in dict.fromkeys(layer.name for layer in others if layer.name in names):
        own = [blob for blob in blobs if blob.layer == name]
        given = [blob for blob in trained if blob.layer == name]
        if len(own) != len(given) or not all(map(_agree, own, given)):
            raise ArrayError(
                f"layer {name!r}: blobs {[b.shape for b in given]} in the net that is trained, and "
                f"{[b.shape for b in own]} in the other; give one of the layers another name"
            )
        for blob, other in zip(own, given, strict=True):
            _alias(other, blob)
    return tuple(layer.name for layer in others if layer.name not in names)


def _agree(one: CaffeBlob, other: CaffeBlob) -> bool:
    return None in (one.shape, other.shape) or one.shape == other.shape
