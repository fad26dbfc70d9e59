"""Writes messages in the text format, as Caffe's own tools do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.schema import Field
from chainer_ft.caffe.schema.tables import FLOATS, float32

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "'": "\\'", "\\": "\\\\"}


def to_text(message: Message) -> str:
    """The message in the text format, fields in order of their numbers.

    Unknown fields are left out.

    Example:
        >>> from chainer_ft.caffe.message import Message
        >>> print(to_text(Message("ParamSpec", lr_mult=0.1)), end="")
        lr_mult: 0.1
    """
    return "".join(line + "\n" for line in _lines(message))


def _lines(message: Message) -> Iterator[str]:
    for field in message.set_fields():
        value = getattr(message, field.name)
        for item in value if field.is_repeated else [value]:
            if field.is_message:
                yield f"{field.name} {{"
                yield from ("  " + line for line in _lines(item))
                yield "}"
            else:
                yield f"{field.name}: {_scalar(field, item)}"


def _scalar(field: Field, value: Any) -> str:
    if field.type == "bool":
        return "true" if value else "false"
    if field.type in FLOATS:
        return number(float(value), 6 if field.type == "float" else 15)
    if field.type in ("string", "bytes"):
        return f'"{_escaped(value)}"'
    return str(value)


def number(value: float, digits: int = 6) -> str:
    """A number as protobuf prints it: the fewest digits, from ``digits`` on, that keep it.

    Example:
        >>> number(0.10000000149011612), number(1.0), number(1e-8)
        ('0.1', '1', '1e-08')
    """
    kept = float32 if digits == 6 else float
    for places in range(digits, digits + 4):
        text = f"{value:.{places}g}"
        if kept(float(text)) == value:
            break
    return text


def _escaped(value: str | bytes) -> str:
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return "".join(map(_character, data))


def _character(byte: int) -> str:
    character = chr(byte)
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if 32 <= byte < 127 else f"\\{byte:03o}"
