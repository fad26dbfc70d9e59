"""What each opcode of a pickle does to the machine: records are made, nothing is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.op_calls import (
    build,
    extension,
    inst,
    name_global,
    new_object,
    new_object_ex,
    obj,
    persistent,
    reduce,
    stack_global,
)
from chainer_ft.formats.pickled.op_stack import (
    append,
    append_one,
    dictionary,
    duplicate,
    get,
    mark,
    memoize,
    pop,
    pop_mark,
    put,
    set_item,
    set_items,
    short_tuple,
    text_key,
)
from chainer_ft.formats.pickled.op_values import (
    BYTE,
    INT,
    LONG,
    SHORT,
    UINT,
    double,
    integer,
    long_bytes,
    long_text,
    parsed,
    payload,
    push,
    quoted,
    string2,
)
from chainer_ft.formats.pickled.records import Bag, Mapping, Raw

if TYPE_CHECKING:
    from chainer_ft.formats.pickled.machine import Machine

    Operation = Callable[[Machine], None]


def _protocol(machine: Machine) -> None:
    protocol = BYTE(machine)
    if protocol > 5:
        raise machine.error(f"protocol {protocol}; protocols 0 to 5 are known")
    machine.protocol = max(machine.protocol, protocol)


def _frame(machine: Machine) -> None:
    count = LONG(machine)
    if machine.position + count > machine.size:
        raise machine.cut(machine.position + count)


def _buffer(machine: Machine) -> None:
    raise FormatError(
        f"{machine.path}: keeps its arrays out of band (buffer_callback); they are not in this "
        "file: pickle the model again without buffer_callback"
    )


def _unknown(machine: Machine) -> None:
    opcode = machine.data[machine.position - 1]
    raise machine.error(f"unknown opcode {bytes([opcode])!r}")


_BY_NAME: dict[str, Operation] = {
    "(": mark,
    "0": pop,
    "1": pop_mark,
    "2": duplicate,
    "F": push(lambda m: parsed(m, float, m.short_line())),
    "I": push(integer),
    "J": push(INT),
    "K": push(BYTE),
    "L": push(long_text),
    "M": push(SHORT),
    "N": lambda m: m.stack.append(None),
    "P": persistent,
    "Q": persistent,
    "R": reduce,
    "S": push(quoted),
    "T": string2(INT),
    "U": string2(BYTE),
    "V": push(lambda m: Raw(*m.line(), "unicode")),
    "X": payload(UINT, "text"),
    "B": payload(UINT, "bytes"),
    "C": payload(BYTE, "bytes"),
    "G": push(double),
    "a": append_one,
    "b": build,
    "c": push(name_global),
    "d": dictionary,
    "}": lambda m: m.stack.append(Mapping()),
    "e": lambda m: append(m, m.pop_to_mark()),
    "g": get(text_key),
    "h": get(BYTE),
    "j": get(UINT),
    "i": inst,
    "l": push(lambda m: m.pop_to_mark()),
    "]": lambda m: m.stack.append([]),
    "o": obj,
    "p": put(text_key),
    "q": put(BYTE),
    "r": put(UINT),
    "s": set_item,
    "t": push(lambda m: tuple(m.pop_to_mark())),
    ")": lambda m: m.stack.append(()),
    "u": lambda m: set_items(m, m.pop_to_mark()),
    "\x80": _protocol,
    "\x81": new_object,
    "\x82": extension(BYTE),
    "\x83": extension(SHORT),
    "\x84": extension(INT),
    "\x85": short_tuple(1),
    "\x86": short_tuple(2),
    "\x87": short_tuple(3),
    "\x88": lambda m: m.stack.append(True),
    "\x89": lambda m: m.stack.append(False),
    "\x8a": push(long_bytes(BYTE)),
    "\x8b": push(long_bytes(INT)),
    "\x8c": payload(BYTE, "text"),
    "\x8d": payload(LONG, "text"),
    "\x8e": payload(LONG, "bytes"),
    "\x8f": lambda m: m.stack.append(Bag()),
    "\x90": lambda m: append(m, m.pop_to_mark()),
    "\x91": push(lambda m: Bag(m.pop_to_mark())),
    "\x92": new_object_ex,
    "\x93": stack_global,
    "\x94": memoize,
    "\x95": _frame,
    "\x96": payload(LONG, "bytes"),
    "\x97": _buffer,
    "\x98": lambda m: None,
}

#: By opcode.
OPERATIONS: list[Operation] = [_BY_NAME.get(chr(code), _unknown) for code in range(256)]
