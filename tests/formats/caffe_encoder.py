"""Writes Caffe's binary messages with every freedom that protobuf leaves, and reads them back
with google.protobuf: the tests' own two ends, which share nothing with the reader under test."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# --- writing ------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


message = text


def floats(field: int, values: Iterable[float], packing: str = "packed", code: str = "f") -> bytes:
    """``packing``: packed, unpacked, or mixed (some of each, in pieces)."""
    values = list(values)
    wire = 5 if code == "f" else 1
    if packing == "packed":
        return message(field, struct.pack(f"<{len(values)}{code}", *values))
    if packing == "unpacked":
        key = varint(field << 3 | wire)
        return b"".join(key + struct.pack("<" + code, value) for value in values)
    third = len(values) // 3
    return (
        floats(field, values[:third], "unpacked", code)
        + floats(field, values[third : 2 * third], "packed", code)
        + floats(field, values[2 * third :], "unpacked", code)
    )


def blob(
    values: Any,
    *,
    legacy: bool = False,
    packing: str = "packed",
    double: bool = False,
    diff: bool = False,
    shape_first: bool = False,
    dims_packed: bool = True,
    junk: bytes = b"",
) -> bytes:
    """A BlobProto of an array."""
    array = np.asarray(values)
    dims = array.shape
    code, data_field, diff_field = ("d", 8, 9) if double else ("f", 5, 6)
    data = floats(data_field, array.ravel().tolist(), packing, code)
    if diff:
        data += floats(diff_field, [7.0] * array.size, packing, code)
    if legacy:
        four = (1,) * (4 - len(dims)) + dims
        return junk + b"".join(number(i + 1, n) for i, n in enumerate(four)) + data
    if dims_packed:
        shape = message(7, message(1, b"".join(map(varint, dims))))
    else:  # two occurrences of a singular message are one message
        shape = b"".join(message(7, number(1, n)) for n in dims) or message(7, b"")
    return junk + (shape + data if shape_first else data + shape)


def layer_v2(
    name: str | None,
    kind: str,
    blobs: Sequence[bytes] = (),
    bottoms: Sequence[str] = (),
    tops: Sequence[str] = (),
    extra: bytes = b"",
) -> bytes:
    body = b"" if name is None else text(1, name)
    body += text(2, kind) + b"".join(text(3, b) for b in bottoms)
    body += b"".join(text(4, t) for t in tops) + b"".join(message(7, b) for b in blobs)
    return message(100, body + extra)


def layer_v1(
    name: str | None,
    kind: int,
    blobs: Sequence[bytes] = (),
    bottoms: Sequence[str] = (),
    tops: Sequence[str] = (),
    extra: bytes = b"",
) -> bytes:
    body = b"".join(text(2, b) for b in bottoms) + b"".join(text(3, t) for t in tops)
    body += b"" if name is None else text(4, name)
    return message(2, body + number(5, kind) + b"".join(message(6, b) for b in blobs) + extra)


def layer_v0(
    name: str | None,
    kind: str,
    blobs: Sequence[bytes] = (),
    bottoms: Sequence[str] = (),
    tops: Sequence[str] = (),
    extra: bytes = b"",
) -> bytes:
    inner = (b"" if name is None else text(1, name)) + text(2, kind)
    inner += b"".join(message(50, b) for b in blobs) + extra
    outer = b"".join(text(2, b) for b in bottoms) + b"".join(text(3, t) for t in tops)
    return message(2, message(1, inner) + outer)


def net(*layers: bytes, name: str = "net") -> bytes:
    return text(1, name) + b"".join(layers)


# --- reading, with google.protobuf ----------------------------------------------------------

_FIELDS = {
    "BlobShape": [("dim", 1, "rep", "int64")],
    "BlobProto": [
        ("num", 1, "opt", "int32"),
        ("channels", 2, "opt", "int32"),
        ("height", 3, "opt", "int32"),
        ("width", 4, "opt", "int32"),
        ("data", 5, "rep", "float"),
        ("diff", 6, "rep", "float"),
        ("shape", 7, "opt", "BlobShape"),
        ("double_data", 8, "rep", "double"),
    ],
    "InnerProductParameter": [("transpose", 6, "opt", "bool")],
    "LayerParameter": [
        ("name", 1, "opt", "bytes"),
        ("type", 2, "opt", "bytes"),
        ("bottom", 3, "rep", "bytes"),
        ("top", 4, "rep", "bytes"),
        ("blobs", 7, "rep", "BlobProto"),
        ("inner_product_param", 117, "opt", "InnerProductParameter"),
    ],
    "V0LayerParameter": [
        ("name", 1, "opt", "bytes"),
        ("type", 2, "opt", "bytes"),
        ("blobs", 50, "rep", "BlobProto"),
    ],
    "V1LayerParameter": [
        ("layer", 1, "opt", "V0LayerParameter"),
        ("bottom", 2, "rep", "bytes"),
        ("top", 3, "rep", "bytes"),
        ("name", 4, "opt", "bytes"),
        ("type", 5, "opt", "int32"),
        ("blobs", 6, "rep", "BlobProto"),
    ],
    "NetParameter": [
        ("name", 1, "opt", "bytes"),
        ("layers", 2, "rep", "V1LayerParameter"),
        ("layer", 100, "rep", "LayerParameter"),
    ],
}


def _protos() -> descriptor_pool.DescriptorPool:
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto2")
    for name, fields in _FIELDS.items():
        made = file.message_type.add(name=name)
        for field, digits, label, kind in fields:
            added = made.field.add(name=field, number=digits)
            added.label = kinds.LABEL_REPEATED if label == "rep" else kinds.LABEL_OPTIONAL
            added.type = getattr(kinds, f"TYPE_{kind.upper()}", kinds.TYPE_MESSAGE)
            if added.type == kinds.TYPE_MESSAGE:
                added.type_name = f".t.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _protos()


def parse(name: str, data: bytes) -> Any:
    """Parse a message by the name of its type."""
    made = message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"t.{name}"))()
    made.ParseFromString(data)
    return made


def array_of(proto: Any) -> np.ndarray:
    """The array of a BlobProto, in the shape that is written in the file."""
    is_legacy = any(proto.HasField(n) for n in ("num", "channels", "height", "width"))
    legacy = (proto.num, proto.channels, proto.height, proto.width)
    shape = legacy if is_legacy else tuple(proto.shape.dim)
    if proto.double_data:
        return np.array(proto.double_data, "f8").reshape(shape)
    return np.array(proto.data, "f4").reshape(shape)


def stored_blobs(data: bytes) -> dict[tuple[str, int], np.ndarray]:
    """(layer name, blob index) to array, in file order, of a net of any generation."""
    parsed = parse("NetParameter", data)
    layers = [layer.layer if layer.HasField("layer") else layer for layer in parsed.layers]
    return {
        (layer.name.decode(), i): array_of(proto)
        for layer in [*layers, *parsed.layer]
        for i, proto in enumerate(layer.blobs)
    }
