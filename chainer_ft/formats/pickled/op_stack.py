"""Opcodes that move what is there: the stack, the memo, containers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats.pickled.op_values import parsed
from chainer_ft.formats.pickled.records import Bag, Call, Global, Mapping

if TYPE_CHECKING:
    from chainer_ft.formats.pickled.machine import Machine

    Operation = Callable[[Machine], None]

# Stack and memo.


def mark(machine: Machine) -> None:
    machine.below.append(machine.stack)
    machine.stack = []


def pop(machine: Machine) -> None:
    """The top, or the mark that is on top."""
    if machine.stack or not machine.below:
        machine.stack.pop()
    else:
        machine.stack = machine.below.pop()


def pop_mark(machine: Machine) -> None:
    machine.pop_to_mark()


def duplicate(machine: Machine) -> None:
    """The top twice; it then stands in two places."""
    machine.fetched.add(id(machine.stack[-1]))
    machine.stack.append(machine.stack[-1])


def memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def put(key: Callable[[Machine], int]) -> Operation:
    def put(machine: Machine) -> None:
        machine.memo[key(machine)] = machine.stack[-1]

    return put


def get(key: Callable[[Machine], int]) -> Operation:
    def get(machine: Machine) -> None:
        number = key(machine)
        try:
            value = machine.memo[number]
        except KeyError:
            raise machine.error(f"memo has no {number}") from None
        machine.fetched.add(id(value))
        machine.stack.append(value)

    return get


def text_key(machine: Machine) -> int:
    key: int = parsed(machine, int, machine.short_line())
    if key < 0:
        raise machine.error(f"memo key {key}")
    return key


# Containers.


def short_tuple(count: int) -> Operation:
    def tuple_(machine: Machine) -> None:
        if len(machine.stack) < count:
            raise machine.error("the stack is empty")
        items = tuple(machine.stack[-count:])
        del machine.stack[-count:]
        machine.stack.append(items)

    return tuple_


def append(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if isinstance(target, list):
        target.extend(items)
    elif isinstance(target, (Call, Bag)):
        target.items.extend(items)
    elif items:  # nothing may be appended to anything
        raise misused(machine, "append to", target)


def append_one(machine: Machine) -> None:
    item = machine.stack.pop()
    append(machine, [item])


def set_items(machine: Machine, items: list[Any]) -> None:
    if len(items) % 2:
        raise machine.error("a key without its value")
    target = machine.stack[-1]
    pairs = zip(items[::2], items[1::2], strict=True)
    if isinstance(target, Mapping):
        target.pairs.extend(pairs)
    elif isinstance(target, Call):
        target.items.extend(pairs)
    elif items:
        raise misused(machine, "set items of", target)


def set_item(machine: Machine) -> None:
    value = machine.stack.pop()
    key = machine.stack.pop()
    set_items(machine, [key, value])


def dictionary(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.stack.append(Mapping())
    set_items(machine, items)


def misused(machine: Machine, verb: str, target: Any) -> FormatError:
    if isinstance(target, Global):
        return UnsafeError(f"{machine.path}: wants to {verb} {target.full!a}; this is no model")
    return machine.error(f"it wants to {verb} a {type(target).__name__}")
