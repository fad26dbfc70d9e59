"""Numbers, strings, the stack, the memo and containers: what most opcodes of a pickle move."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats.pickled.records import Bag, Call, Coding, Global, Huge, Mapping, Raw

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
