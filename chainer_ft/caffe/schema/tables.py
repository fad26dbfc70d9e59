"""The tables of the schema, read into dataclasses."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INTEGERS = {"int32": (-(1 << 31), (1 << 31) - 1), "uint32": (0, (1 << 32) - 1)}
INTEGERS["int64"] = (-(1 << 63), (1 << 63) - 1)
FLOATS = {"float": "<f4", "double": "<f8"}
SCALARS = {*INTEGERS, *FLOATS, "bool", "string", "bytes"}
_ZEROS: dict[str, Any] = {"bool": False, "string": "", "bytes": b"", "float": 0.0, "double": 0.0}


@dataclass(frozen=True)
class Field:
    """One field of a message.

    Args:
        name: As written in a prototxt.
        number: In the binary format.
        type: ``int32``, ``uint32``, ``int64``, ``float``, ``double``, ``bool``, ``string``,
            ``bytes``, the name of an enum or that of a message.
        label: ``optional``, ``repeated``, ``packed`` (repeated; Caffe writes it as one run) or
            ``required``.
        default: What an unset field reads as; None for messages and repeated fields.
        values: Of an enum: number of each name; empty otherwise.
    """

    name: str
    number: int
    type: str
    label: str = "optional"
    default: Any = None
    values: Mapping[str, int] | None = None

    @property
    def is_repeated(self) -> bool:
        """Whether it may stand more than once."""
        return self.label in ("repeated", "packed")

    @property
    def is_message(self) -> bool:
        """Whether its value is a message."""
        return self.values is None and self.type not in SCALARS


@dataclass(frozen=True)
class MessageType:
    """A message: its name, and its fields by name, in order of their numbers."""

    name: str
    fields: Mapping[str, Field]

    def by_number(self, number: int) -> Field | None:
        """The field of a number, or None."""
        return next((f for f in self.fields.values() if f.number == number), None)


def float32(value: float) -> float:
    """What a ``float`` field keeps of a number.

    Example:
        >>> float32(0.1)
        0.10000000149011612
    """
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def read_tables(text: str) -> dict[str, MessageType]:
    """All messages of the tables, by name."""
    messages, enums = _blocks(text)
    return {name: _message(name, lines, enums) for name, lines in messages.items()}


def _blocks(text: str) -> tuple[dict[str, list[str]], dict[str, dict[str, int]]]:
    messages: dict[str, list[str]] = {}
    enums: dict[str, dict[str, int]] = {}
    message = enum = ""
    for line in text.splitlines():
        words = line.split()
        if words[0] == "message":
            message, enum = words[1], ""
            messages[message] = []
        elif words[0] == "enum":
            enum = f"{message}.{words[1]}" if message and line[0] == " " else words[1]
            enums[enum] = {}
        elif enum:
            enums[enum].update({k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)})
        else:
            messages[message].append(line)
    return messages, enums


def _message(name: str, lines: list[str], enums: dict[str, dict[str, int]]) -> MessageType:
    fields = sorted((_field(name, line, enums) for line in lines), key=lambda f: f.number)
    return MessageType(name, {field.name: field for field in fields})


def _field(message: str, line: str, enums: dict[str, dict[str, int]]) -> Field:
    head, _, default = (part.strip() for part in line.partition(" = "))
    name, number, kind, *label = head.split()
    values = enums.get(f"{message}.{kind}", enums.get(kind))
    made = Field(name, int(number), kind, label[0] if label else "optional", values=values)
    if made.is_repeated or made.is_message:
        return made
    return Field(name, made.number, kind, made.label, _default(made, default), values)


def _default(field: Field, written: str) -> Any:
    if field.values is not None:
        return written or next(iter(field.values))
    if field.type in FLOATS:
        return float32(float(written or 0))
    if field.type == "bool":
        return written == "true"
    return written or _ZEROS[field.type] if field.type in _ZEROS else int(written or 0)
