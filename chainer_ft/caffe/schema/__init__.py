"""Caffe's messages as facts: the name, number, type, label and default of each field.

The tables are text, one message after another, much as Caffe documents them; they serve the text
format and the binary format alike.
"""

from __future__ import annotations

from functools import cache

from chainer_ft.caffe.schema import blobs, data, legacy, losses, net, shapes, solver, weights
from chainer_ft.caffe.schema.tables import Field, MessageType, read_tables

__all__ = ["Field", "MessageType", "message_type"]


@cache
def _types() -> dict[str, MessageType]:
    homes = (blobs, data, legacy, losses, net, shapes, solver, weights)
    return read_tables("".join(home.TABLE for home in homes))


def message_type(name: str) -> MessageType:
    """The fields of a message.

    Args:
        name: As Caffe calls it, ``"LayerParameter"``.

    Example:
        >>> message_type("PoolingParameter").fields["round_mode"].default
        'CEIL'
    """
    return _types()[name]
