"""What each opcode of a pickle does to the machine: records are made, nothing is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.op_data import (
    BYTE,
    INT,
    LONG,
    SHORT,
    UINT,
    append,
    append_one,
    dictionary,
    double,
    duplicate,
    get,
    integer,
    long_bytes,
    long_text,
    mark,
    memoize,
    misused,
    parsed,
    payload,
    pop,
    pop_mark,
    push,
    put,
    quoted,
    set_item,
    set_items,
    short_tuple,
    string2,
    text_key,
)
from chainer_ft.formats.pickled.records import Bag, Call, Global, Mapping, Raw
from chainer_ft.formats.pickled.strings import short_text

if TYPE_CHECKING:
    from chainer_ft.formats.pickled.machine import Machine

    Operation = Callable[[Machine], None]

_MOST_STATES = 16


# Names and calls.


def _global(machine: Machine) -> Global:
    module, name = machine.short_line(), machine.short_line()
    return _named(machine, module.decode("utf-8", "replace"), name.decode("utf-8", "replace"))


def _stack_global(machine: Machine) -> None:
    name = short_text(machine.data, machine.stack.pop())
    module = short_text(machine.data, machine.stack.pop())
    if module is None or name is None:
        raise machine.error("a global's name is not a short string")
    machine.stack.append(_named(machine, module, name))


def _named(machine: Machine, module: str, name: str) -> Global:
    if module.endswith("joblib.numpy_pickle"):
        raise FormatError(
            f"{machine.path}: was written by joblib.dump, whose arrays stand between the opcodes "
            "of a pickle; load it with joblib and save it with serializers.save_npz"
        )
    machine.python3 |= module in ("builtins", "copyreg")
    return machine.name(module, name)


def _reduce(machine: Machine) -> None:
    args = machine.stack.pop()
    machine.call(machine.stack.pop(), args, "reduce")


def _new_object(machine: Machine) -> None:
    args = machine.stack.pop()
    machine.call(machine.stack.pop(), args, "newobj")


def _new_object_ex(machine: Machine) -> None:
    named, args = machine.stack.pop(), machine.stack.pop()
    machine.call(machine.stack.pop(), (*args, named) if isinstance(args, tuple) else args, "newobj")


def _inst(machine: Machine) -> None:
    func = _global(machine)
    machine.call(func, tuple(machine.pop_to_mark()), "inst")


def _obj(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.call(items[0], tuple(items[1:]), "inst")


def _build(machine: Machine) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if not isinstance(target, Call):
        raise misused(machine, "set attributes of", target)
    if len(target.states) == _MOST_STATES:
        raise machine.error("an object is given its attributes too often")
    target.states += (state,)


def _extension(code: Callable[[Machine], int]) -> Operation:
    return lambda m: m.call(m.name("copyreg", f"extension {code(m)}"), (), "extension")


def _persistent(machine: Machine) -> None:
    raise FormatError(
        f"{machine.path}: names objects that are not in it (persistent ids, as in torch.save's "
        "files); save the model with serializers.save_npz where it can be loaded"
    )


# The frame around it all.


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
    "P": _persistent,
    "Q": _persistent,
    "R": _reduce,
    "S": push(quoted),
    "T": string2(INT),
    "U": string2(BYTE),
    "V": push(lambda m: Raw(*m.line(), "unicode")),
    "X": payload(UINT, "text"),
    "B": payload(UINT, "bytes"),
    "C": payload(BYTE, "bytes"),
    "G": push(double),
    "a": append_one,
    "b": _build,
    "c": push(_global),
    "d": dictionary,
    "}": lambda m: m.stack.append(Mapping()),
    "e": lambda m: append(m, m.pop_to_mark()),
    "g": get(text_key),
    "h": get(BYTE),
    "j": get(UINT),
    "i": _inst,
    "l": push(lambda m: m.pop_to_mark()),
    "]": lambda m: m.stack.append([]),
    "o": _obj,
    "p": put(text_key),
    "q": put(BYTE),
    "r": put(UINT),
    "s": set_item,
    "t": push(lambda m: tuple(m.pop_to_mark())),
    ")": lambda m: m.stack.append(()),
    "u": lambda m: set_items(m, m.pop_to_mark()),
    "\x80": _protocol,
    "\x81": _new_object,
    "\x82": _extension(BYTE),
    "\x83": _extension(SHORT),
    "\x84": _extension(INT),
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
    "\x92": _new_object_ex,
    "\x93": _stack_global,
    "\x94": memoize,
    "\x95": _frame,
    "\x96": payload(LONG, "bytes"),
    "\x97": _buffer,
    "\x98": lambda m: None,
}

#: By opcode.
OPERATIONS: list[Operation] = [_BY_NAME.get(chr(code), _unknown) for code in range(256)]
