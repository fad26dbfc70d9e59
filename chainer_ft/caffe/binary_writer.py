"""Writes messages in the binary format, as Caffe does: fields in order of their numbers."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.schema import Field
from chainer_ft.caffe.schema.tables import FLOATS
from chainer_ft.errors import FormatError
from chainer_ft.formats.wire import BYTES, FIXED32, FIXED64, VARINT

_LARGEST = (1 << 31) - 1


Piece = bytes | memoryview


def to_binary(message: Message) -> bytes:
    """The message in the binary format.

    Unknown fields are left out. Arrays of ``data`` and the like are written as float32.

    Raises:
        FormatError: It is larger than the 2 GB that Caffe and protobuf can read.

    Example:
        >>> from chainer_ft.caffe.message import Message
        >>> to_binary(Message("SolverState", iter=7, current_step=2)).hex()
        '08072002'
    """
    return b"".join(binary_pieces(message))


def binary_pieces(message: Message) -> list[Piece]:
    """The same in pieces, one after another; those of arrays are views and cost nothing.

    Raises:
        FormatError: As :func:`to_binary`.
    """
    pieces = list(_message(message))
    size = sum(map(len, pieces))
    if size > _LARGEST:
        raise FormatError(
            f"a {message.kind.name} of {size} bytes: Caffe reads at most 2 GB; write HDF5 "
            "(snapshot_format: HDF5)"
        )
    return pieces


def _message(message: Message) -> Iterator[Piece]:
    for field in message.set_fields():
        value = getattr(message, field.name)
        if field.label == "packed":
            yield from _run(field, _packed(field, value))
        else:
            for item in value if field.is_repeated else [value]:
                yield from _one(field, item)


def _one(field: Field, value: Any) -> Iterator[Piece]:
    if field.is_message:
        yield from _run(field, list(_message(value)))
    elif field.type in ("string", "bytes"):
        is_text = isinstance(value, str)
        yield from _run(field, [value.encode("utf-8", "surrogateescape") if is_text else value])
    elif field.type in FLOATS:
        yield _key(field, FIXED32 if field.type == "float" else FIXED64)
        yield struct.pack("<f" if field.type == "float" else "<d", value)
    else:
        yield _key(field, VARINT) + varint(_number(field, value))


def _packed(field: Field, values: Any) -> list[Piece]:
    if field.type not in FLOATS:
        return [varint(_number(field, value)) for value in values]
    import numpy as np

    array = np.ascontiguousarray(values, FLOATS[field.type])
    return [memoryview(array).cast("B")] if array.size else []


def _run(field: Field, pieces: Sequence[Piece]) -> Iterator[Piece]:
    yield _key(field, BYTES) + varint(sum(map(len, pieces)))
    yield from pieces


def _key(field: Field, wire: int) -> bytes:
    return varint(field.number << 3 | wire)


def _number(field: Field, value: Any) -> int:
    return field.values[value] if field.values is not None else int(value)


def varint(value: int) -> bytes:
    """A number as protobuf writes it, seven bits a byte; negative ones as 64 bits.

    Example:
        >>> varint(300).hex(), len(varint(-1))
        ('ac02', 10)
    """
    value &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
