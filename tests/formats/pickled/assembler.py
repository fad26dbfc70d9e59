"""Pickles spelled opcode by opcode, as no honest program writes them."""

from __future__ import annotations

import struct

STOP, NONE, TRUE = b".", b"N", b"\x88"


def proto(number: int) -> bytes:
    return b"\x80" + bytes([number])


def text(value: str) -> bytes:
    stored = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(stored)) + stored


def raw(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def integer(value: int) -> bytes:
    stored = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(stored)]) + stored


def put(key: int) -> bytes:
    return b"r" + struct.pack("<I", key)


def get(key: int) -> bytes:
    return b"j" + struct.pack("<I", key)


def name(module: str, attribute: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{attribute}\n".encode()


def dotted(module: str, attribute: str) -> bytes:
    """STACK_GLOBAL, whose attribute may have dots."""
    return text(module) + text(attribute) + b"\x93"


def tuple_(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def list_(*items: bytes) -> bytes:
    return b"](" + b"".join(items) + b"e"


def dictionary(**items: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def call(func: bytes, *args: bytes) -> bytes:
    """REDUCE."""
    return func + tuple_(*args) + b"R"


def names(*values: str) -> bytes:
    return list_(*map(text, values))


def dtype(code: str = "f4", *state: bytes) -> bytes:
    made = call(name("numpy", "dtype"), text(code), integer(0), integer(1))
    return made + tuple_(*state) + b"b" if state else made


def array(
    data: bytes = b"\0" * 8,
    shape: bytes = tuple_(integer(2)),
    kind: bytes | None = None,
    first: bytes = name("numpy", "ndarray"),
    payload: bytes | None = None,
) -> bytes:
    """``_reconstruct`` and its state, each part of which may be another thing."""
    made = call(name("numpy.core.multiarray", "_reconstruct"), first, tuple_(integer(0)), raw(b"b"))
    stored = raw(data) if payload is None else payload
    return made + tuple_(integer(1), shape, kind or dtype(), b"\x89", stored) + b"b"


def parameter(data: bytes) -> bytes:
    recover = name("chainer.variable", "_recover_parameter")
    return call(recover, data, NONE, NONE, TRUE, NONE, NONE, NONE)


def link(class_name: bytes = name("argparse", "Namespace"), **attributes: bytes) -> bytes:
    """A chain that has what is given, and empty registries."""
    empty = {key: names() for key in ("_params", "_persistent", "_children")}
    return class_name + b")\x81" + dictionary(**(empty | attributes)) + b"b"


def model(value: bytes, **attributes: bytes) -> bytes:
    """A whole pickle of a chain with one parameter ``W``."""
    state = {"_params": names("W"), "W": parameter(value), **attributes}
    return proto(2) + link(**state) + STOP
