"""Opcodes that put a number or a string on the stack."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any

from chainer_ft.formats.pickled.records import Coding, Huge, Raw

if TYPE_CHECKING:
    from chainer_ft.formats.pickled.machine import Machine

    Operation = Callable[[Machine], None]

_MOST_DIGITS = 160
_DOUBLE = Struct(">d")


def number_of(form: str) -> Callable[[Machine], int]:
    reader = Struct(form)
    unpack, width = reader.unpack_from, reader.size

    def number(machine: Machine) -> int:
        start = machine.position
        machine.position = start + width
        return unpack(machine.data, start)[0]  # type: ignore[no-any-return]

    return number


BYTE, SHORT, UINT, INT, LONG = map(number_of, ("<B", "<H", "<I", "<i", "<Q"))


# Constants and numbers.


def push(make: Callable[[Machine], Any]) -> Operation:
    def push(machine: Machine) -> None:
        value = make(machine)  # may put another stack in place
        machine.stack.append(value)

    return push


def integer(machine: Machine) -> Any:
    text = machine.short_line().strip()
    return text == b"01" if text in (b"00", b"01") else parsed(machine, int, text)


def long_text(machine: Machine) -> Any:
    start, end = machine.line()
    if end - start > _MOST_DIGITS:
        return Huge(end - start)
    return parsed(machine, int, bytes(machine.data[start:end]).strip().rstrip(b"L"))


def parsed(machine: Machine, kind: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise machine.error(f"{text[:20]!r} is no number") from error


def double(machine: Machine) -> Any:
    start = machine.position
    machine.position = start + 8
    return _DOUBLE.unpack_from(machine.data, start)[0]


def long_bytes(length: Callable[[Machine], int]) -> Callable[[Machine], Any]:
    def long_bytes(machine: Machine) -> Any:
        count = length(machine)
        start = machine.skip(count)
        if count > 64:
            return Huge(count)
        return int.from_bytes(machine.data[start : start + count], "little", signed=True)

    return long_bytes


# Strings stay in the stream.


def payload(length: Callable[[Machine], int], coding: Coding) -> Operation:
    def payload(machine: Machine) -> None:
        count = length(machine)
        start = machine.skip(count)
        machine.stack.append(Raw(start, start + count, coding))

    return payload


def string2(length: Callable[[Machine], int]) -> Operation:
    push_bytes = payload(length, "str2")

    def string2(machine: Machine) -> None:
        machine.python2 = True
        push_bytes(machine)

    return string2


def quoted(machine: Machine) -> Raw:
    start, end = machine.line()
    while end > start and machine.data[end - 1] in b" \t\r":
        end -= 1
    quotes = machine.data[start], machine.data[end - 1]
    if end - start < 2 or quotes[0] != quotes[1] or quotes[0] not in b"'\"":
        raise machine.error("a string without its quotes")
    machine.python2 = True
    return Raw(start + 1, end - 1, "escaped")
