"""What each opcode of a pickle does to the machine: records are made, nothing is called."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats.pickled.records import Bag, Call, Coding, Global, Huge, Mapping, Raw
from chainer_ft.formats.pickled.strings import short_text

if TYPE_CHECKING:
    from chainer_ft.formats.pickled.machine import Machine

    Operation = Callable[[Machine], None]

_MOST_DIGITS = 160
_MOST_STATES = 16
_DOUBLE = Struct(">d")


def _number(form: str) -> Callable[[Machine], int]:
    reader = Struct(form)
    unpack, width = reader.unpack_from, reader.size

    def number(machine: Machine) -> int:
        start = machine.position
        machine.position = start + width
        return unpack(machine.data, start)[0]  # type: ignore[no-any-return]

    return number


_BYTE, _SHORT, _UINT, _INT, _LONG = map(_number, ("<B", "<H", "<I", "<i", "<Q"))


# Constants and numbers.


def _push(make: Callable[[Machine], Any]) -> Operation:
    def push(machine: Machine) -> None:
        value = make(machine)  # may put another stack in place
        machine.stack.append(value)

    return push


def _integer(machine: Machine) -> Any:
    text = machine.short_line().strip()
    return text == b"01" if text in (b"00", b"01") else _parsed(machine, int, text)


def _long(machine: Machine) -> Any:
    start, end = machine.line()
    if end - start > _MOST_DIGITS:
        return Huge(end - start)
    return _parsed(machine, int, bytes(machine.data[start:end]).strip().rstrip(b"L"))


def _parsed(machine: Machine, kind: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise machine.error(f"{text[:20]!r} is no number") from error


def _double(machine: Machine) -> Any:
    start = machine.position
    machine.position = start + 8
    return _DOUBLE.unpack_from(machine.data, start)[0]


def _long_bytes(length: Callable[[Machine], int]) -> Callable[[Machine], Any]:
    def long_bytes(machine: Machine) -> Any:
        count = length(machine)
        start = machine.skip(count)
        if count > 64:
            return Huge(count)
        return int.from_bytes(machine.data[start : start + count], "little", signed=True)

    return long_bytes


# Strings stay in the stream.


def _payload(length: Callable[[Machine], int], coding: Coding) -> Operation:
    def payload(machine: Machine) -> None:
        count = length(machine)
        start = machine.skip(count)
        machine.stack.append(Raw(start, start + count, coding))

    return payload


def _string2(length: Callable[[Machine], int]) -> Operation:
    payload = _payload(length, "str2")

    def string2(machine: Machine) -> None:
        machine.python2 = True
        payload(machine)

    return string2


def _quoted(machine: Machine) -> Raw:
    start, end = machine.line()
    while end > start and machine.data[end - 1] in b" \t\r":
        end -= 1
    quotes = machine.data[start], machine.data[end - 1]
    if end - start < 2 or quotes[0] != quotes[1] or quotes[0] not in b"'\"":
        raise machine.error("a string without its quotes")
    machine.python2 = True
    return Raw(start + 1, end - 1, "escaped")


# Stack and memo.


def _mark(machine: Machine) -> None:
    machine.below.append(machine.stack)
    machine.stack = []


def _pop(machine: Machine) -> None:
    """The top, or the mark that is on top."""
    if machine.stack or not machine.below:
        machine.stack.pop()
    else:
        machine.stack = machine.below.pop()


def _pop_mark(machine: Machine) -> None:
    machine.pop_to_mark()


def _memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _put(key: Callable[[Machine], int]) -> Operation:
    def put(machine: Machine) -> None:
        machine.memo[key(machine)] = machine.stack[-1]

    return put


def _get(key: Callable[[Machine], int]) -> Operation:
    def get(machine: Machine) -> None:
        number = key(machine)
        try:
            value = machine.memo[number]
        except KeyError:
            raise machine.error(f"memo has no {number}") from None
        machine.fetched.add(id(value))
        machine.stack.append(value)

    return get


def _text_key(machine: Machine) -> int:
    key: int = _parsed(machine, int, machine.short_line())
    if key < 0:
        raise machine.error(f"memo key {key}")
    return key


# Containers.


def _tuple(count: int) -> Operation:
    def tuple_(machine: Machine) -> None:
        if len(machine.stack) < count:
            raise machine.error("the stack is empty")
        items = tuple(machine.stack[-count:])
        del machine.stack[-count:]
        machine.stack.append(items)

    return tuple_


def _append(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if isinstance(target, list):
        target.extend(items)
    elif isinstance(target, (Call, Bag)):
        target.items.extend(items)
    elif items:  # nothing may be appended to anything
        raise _misused(machine, "append to", target)


def _append_one(machine: Machine) -> None:
    item = machine.stack.pop()
    _append(machine, [item])


def _set_items(machine: Machine, items: list[Any]) -> None:
    if len(items) % 2:
        raise machine.error("a key without its value")
    target = machine.stack[-1]
    pairs = zip(items[::2], items[1::2], strict=True)
    if isinstance(target, Mapping):
        target.pairs.extend(pairs)
    elif isinstance(target, Call):
        target.items.extend(pairs)
    elif items:
        raise _misused(machine, "set items of", target)


def _set_item(machine: Machine) -> None:
    value = machine.stack.pop()
    key = machine.stack.pop()
    _set_items(machine, [key, value])


def _dictionary(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.stack.append(Mapping())
    _set_items(machine, items)


def _misused(machine: Machine, verb: str, target: Any) -> FormatError:
    if isinstance(target, Global):
        return UnsafeError(f"{machine.path}: wants to {verb} {target.full!a}; this is no model")
    return machine.error(f"it wants to {verb} a {type(target).__name__}")


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
        raise _misused(machine, "set attributes of", target)
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
    protocol = _BYTE(machine)
    if protocol > 5:
        raise machine.error(f"protocol {protocol}; protocols 0 to 5 are known")
    machine.protocol = max(machine.protocol, protocol)


def _frame(machine: Machine) -> None:
    count = _LONG(machine)
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
    "(": _mark,
    "0": _pop,
    "1": _pop_mark,
    "2": lambda m: m.stack.append(m.stack[-1]),
    "F": _push(lambda m: _parsed(m, float, m.short_line())),
    "I": _push(_integer),
    "J": _push(_INT),
    "K": _push(_BYTE),
    "L": _push(_long),
    "M": _push(_SHORT),
    "N": lambda m: m.stack.append(None),
    "P": _persistent,
    "Q": _persistent,
    "R": _reduce,
    "S": _push(_quoted),
    "T": _string2(_INT),
    "U": _string2(_BYTE),
    "V": _push(lambda m: Raw(*m.line(), "unicode")),
    "X": _payload(_UINT, "text"),
    "B": _payload(_UINT, "bytes"),
    "C": _payload(_BYTE, "bytes"),
    "G": _push(_double),
    "a": _append_one,
    "b": _build,
    "c": _push(_global),
    "d": _dictionary,
    "}": lambda m: m.stack.append(Mapping()),
    "e": lambda m: _append(m, m.pop_to_mark()),
    "g": _get(_text_key),
    "h": _get(_BYTE),
    "j": _get(_UINT),
    "i": _inst,
    "l": _push(lambda m: m.pop_to_mark()),
    "]": lambda m: m.stack.append([]),
    "o": _obj,
    "p": _put(_text_key),
    "q": _put(_BYTE),
    "r": _put(_UINT),
    "s": _set_item,
    "t": _push(lambda m: tuple(m.pop_to_mark())),
    ")": lambda m: m.stack.append(()),
    "u": lambda m: _set_items(m, m.pop_to_mark()),
    "\x80": _protocol,
    "\x81": _new_object,
    "\x82": _extension(_BYTE),
    "\x83": _extension(_SHORT),
    "\x84": _extension(_INT),
    "\x85": _tuple(1),
    "\x86": _tuple(2),
    "\x87": _tuple(3),
    "\x88": lambda m: m.stack.append(True),
    "\x89": lambda m: m.stack.append(False),
    "\x8a": _push(_long_bytes(_BYTE)),
    "\x8b": _push(_long_bytes(_INT)),
    "\x8c": _payload(_BYTE, "text"),
    "\x8d": _payload(_LONG, "text"),
    "\x8e": _payload(_LONG, "bytes"),
    "\x8f": lambda m: m.stack.append(Bag()),
    "\x90": lambda m: _append(m, m.pop_to_mark()),
    "\x91": _push(lambda m: Bag(m.pop_to_mark())),
    "\x92": _new_object_ex,
    "\x93": _stack_global,
    "\x94": _memoize,
    "\x95": _frame,
    "\x96": _payload(_LONG, "bytes"),
    "\x97": _buffer,
    "\x98": lambda m: None,
}

#: By opcode.
OPERATIONS: list[Operation] = [_BY_NAME.get(chr(code), _unknown) for code in range(256)]
