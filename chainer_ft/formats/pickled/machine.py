"""The pickle machine, protocols 0 to 5, over bytes that are not trusted.

Semantics as in CPython's ``Lib/pickle.py``; every opcode that would import or call something
makes a record instead. Payloads stay where they are. The work is linear in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from chainer_ft.errors import FormatError, TruncatedError, UnsafeError
from chainer_ft.formats.pickled.records import Bag, Call, Coding, Global, Huge, Mapping, Raw

#: More than any model needs; bounds time (about 1 s a million) and memory (about 100 bytes each).
MOST_OPCODES = 2_000_000
_MOST_DIGITS = 150
_MOST_NAME = 1000


class Machine:
    """Runs one pickle of a stream.

    Args:
        data: The stream; bytes or an ``mmap``.
        path: For messages.
        position: Where the pickle begins.

    Attributes:
        protocol: The highest protocol that the stream declares.
        calls: Every call that it wanted to make, in order.
        remarks: Things no ordinary pickle does.
        position: Where the machine stands; behind STOP after :meth:`run`.
    """

    def __init__(self, data: Any, path: str, position: int = 0) -> None:
        self.data, self.path, self.position, self.size = data, path, position, len(data)
        self.protocol = 0
        self.calls: list[Call] = []
        self.remarks: list[str] = []
        self.python2 = self.python3 = False
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Run to STOP.

        Returns:
            The record on top of the stack.

        Raises:
            TruncatedError: The stream ends before STOP.
            UnsafeError: It does more than any model needs.
            FormatError: It is no pickle, or damaged.
        """
        for _ in range(MOST_OPCODES):
            opcode = self.take(1)[0]
            if opcode == 0x2E:  # STOP
                return self.pop()
            operation = OPERATIONS.get(opcode)
            if operation is None:
                raise self.error(f"unknown opcode {bytes([opcode])!r}")
            operation(self)
        raise UnsafeError(f"{self.path}: more than {MOST_OPCODES:,} opcodes; this is no model")

    # What operations are made of.

    def error(self, what: str) -> FormatError:
        """A FormatError that says where."""
        return FormatError(f"{self.path}: damaged pickle at byte {self.position}: {what}")

    def take(self, count: int) -> bytes:
        """The next bytes, few of them."""
        return bytes(self.data[self.skip(count) : self.position])

    def skip(self, count: int) -> int:
        """Step over bytes; returns where they begin."""
        start, end = self.position, self.position + count
        if count < 0:
            raise self.error(f"a length of {count}")
        if end > self.size:
            raise TruncatedError(
                f"{self.path}: ends at byte {self.size} of {end}; download or copy it again"
            )
        self.position = end
        return start

    def number(self, form: str) -> int:
        """A number of the given struct format."""
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def line(self) -> tuple[int, int]:
        """Offsets of the text up to the next newline."""
        start = self.position
        end = self.data.find(b"\n", start)
        if end < 0:
            raise TruncatedError(f"{self.path}: ends at byte {self.size} inside a line")
        self.position = end + 1
        return start, end

    def short_line(self) -> bytes:
        """That text itself, where it is short."""
        start, end = self.line()
        if end - start > _MOST_NAME:
            raise self.error(f"a line of {end - start} bytes where a short one belongs")
        return bytes(self.data[start:end])

    def push(self, value: Any) -> None:
        """Onto the stack."""
        self._stack.append(value)

    def pop(self) -> Any:
        """From the stack, not from below the last mark."""
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise self.error("the stack is empty")
        return self._stack.pop()

    def top(self) -> Any:
        """The top, left where it is."""
        value = self.pop()
        self.push(value)
        return value

    def mark(self) -> None:
        """Remember where the stack stands."""
        self._marks.append(len(self._stack))

    def pop_to_mark(self) -> list[Any]:
        """Everything above the last mark."""
        if not self._marks:
            raise self.error("there is no mark")
        depth = self._marks.pop()
        items = self._stack[depth:]
        del self._stack[depth:]
        return items

    def pop_any(self) -> None:
        """POP: the top, or the mark that is on top."""
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self.pop()

    def put(self, key: int) -> None:
        """Into the memo."""
        if key < 0:
            raise self.error(f"memo key {key}")
        self._memo[key] = self.top()

    def memoize(self) -> None:
        """Under the next free number."""
        self._memo[len(self._memo)] = self.top()

    def get(self, key: int) -> None:
        """From the memo."""
        if key not in self._memo:
            raise self.error(f"memo has no {key}")
        self.push(self._memo[key])

    def payload(self, form: str, coding: Coding) -> None:
        """A string behind its length."""
        count = self.number(form)
        start = self.skip(count)
        self.push(Raw(start, start + count, coding))

    def text(self, raw: Any, what: str) -> str:
        """A short string that names something."""
        if not isinstance(raw, Raw) or len(raw) > _MOST_NAME:
            raise self.error(f"{what} is not a short string")
        return bytes(self.data[raw.start : raw.end]).decode("utf-8", "replace")

    def call(self, func: Any, args: Any, how: str) -> None:
        """Record a call, and push what stands for its result."""
        if not isinstance(args, tuple):
            self.remarks.append(f"{how} of {func} with arguments that are no tuple")
            args = (args,)
        made = Call(func, args, how, self.position)
        self.calls.append(made)
        self.push(made)


def _integer(machine: Machine) -> None:
    text = machine.short_line().strip()
    if text in (b"00", b"01"):
        machine.push(text == b"01")
    else:
        machine.push(_parsed(machine, int, text))


def _long(machine: Machine) -> None:
    start, end = machine.line()
    if end - start > _MOST_DIGITS:
        machine.push(Huge(end - start))
    else:
        machine.push(_parsed(machine, int, bytes(machine.data[start:end]).strip().rstrip(b"L")))


def _parsed(machine: Machine, kind: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise machine.error(f"{text[:20]!r} is no number") from error


def _long_bytes(machine: Machine, form: str) -> None:
    count = machine.number(form)
    start = machine.skip(count)
    small = count <= 64
    value = int.from_bytes(machine.data[start : start + count], "little", signed=True) if small else 0
    machine.push(value if small else Huge(count))


def _string(machine: Machine) -> None:
    start, end = machine.line()
    while end > start and machine.data[end - 1 : end] in (b" ", b"\t", b"\r"):
        end -= 1
    quotes = machine.data[start : start + 1], machine.data[end - 1 : end]
    if end - start < 2 or quotes[0] != quotes[1] or quotes[0] not in (b"'", b'"'):
        raise machine.error("a string without its quotes")
    machine.python2 = True
    machine.push(Raw(start + 1, end - 1, "escaped"))


def _unicode(machine: Machine) -> None:
    machine.push(Raw(*machine.line(), "unicode"))


def _binstring(machine: Machine, form: str) -> None:
    machine.python2 = True
    machine.payload(form, "str2")


def _global(machine: Machine) -> None:
    module, name = machine.short_line(), machine.short_line()
    _push_global(machine, module.decode("utf-8", "replace"), name.decode("utf-8", "replace"))


def _stack_global(machine: Machine) -> None:
    name = machine.text(machine.pop(), "a global's name")
    module = machine.text(machine.pop(), "a global's module")
    _push_global(machine, module, name)


def _push_global(machine: Machine, module: str, name: str) -> None:
    machine.python3 |= module in ("builtins", "copyreg")
    machine.push(Global(module, name))


def _reduce(machine: Machine) -> None:
    args = machine.pop()
    machine.call(machine.pop(), args, "reduce")


def _newobj(machine: Machine) -> None:
    args = machine.pop()
    machine.call(machine.pop(), args, "newobj")


def _newobj_ex(machine: Machine) -> None:
    named, args = machine.pop(), machine.pop()
    machine.call(machine.pop(), (*args, named) if isinstance(args, tuple) else args, "newobj")


def _inst(machine: Machine) -> None:
    _global(machine)
    func = machine.pop()
    machine.call(func, tuple(machine.pop_to_mark()), "inst")


def _obj(machine: Machine) -> None:
    items = machine.pop_to_mark()
    if not items:
        raise machine.error("an object without a class")
    machine.call(items[0], tuple(items[1:]), "inst")


def _build(machine: Machine) -> None:
    state = machine.pop()
    target = machine.top()
    if isinstance(target, Call):
        target.states.append(state)
    else:
        machine.remarks.append(f"BUILD on a {type(target).__name__} {_brief(target)}")


def _append(machine: Machine, items: list[Any]) -> None:
    target = machine.top()
    if isinstance(target, list):
        target.extend(items)
    elif isinstance(target, (Call, Bag)):
        target.items.extend(items)
    else:
        machine.remarks.append(f"items appended to a {type(target).__name__} {_brief(target)}")


def _setitems(machine: Machine, items: list[Any]) -> None:
    if len(items) % 2:
        raise machine.error("a key without its value")
    pairs = list(zip(items[::2], items[1::2], strict=True))
    target = machine.top()
    if isinstance(target, Mapping):
        target.pairs.extend(pairs)
    elif isinstance(target, Call):
        target.items.extend(pairs)
    else:
        machine.remarks.append(f"items set on a {type(target).__name__} {_brief(target)}")


def _setitem(machine: Machine) -> None:
    value = machine.pop()
    key = machine.pop()
    _setitems(machine, [key, value])


def _append_one(machine: Machine) -> None:
    item = machine.pop()
    _append(machine, [item])


def _dictionary(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.push(Mapping())
    _setitems(machine, items)


def _tuple(machine: Machine, count: int) -> None:
    items = [machine.pop() for _ in range(count)]
    machine.push(tuple(reversed(items)))


def _persistent(machine: Machine, identity: Any) -> None:
    machine.call(Global("persistent", "id"), (identity,), "persistent id")


def _extension(machine: Machine, form: str) -> None:
    machine.call(Global("copyreg", f"extension {machine.number(form)}"), (), "extension")


def _protocol(machine: Machine) -> None:
    protocol = machine.number("<B")
    if protocol > 5:
        raise machine.error(f"protocol {protocol}; protocols 0 to 5 are known")
    machine.protocol = max(machine.protocol, protocol)


def _frame(machine: Machine) -> None:
    count = machine.number("<Q")
    if machine.position + count > machine.size:
        machine.skip(count)  # says where the file should end


def _buffer(machine: Machine) -> None:
    raise FormatError(
        f"{machine.path}: keeps its arrays out of band (buffer_callback); they are not in this "
        "file: pickle the model again without buffer_callback"
    )


def _brief(value: Any) -> str:
    return str(value)[:80] if isinstance(value, Global) else ""


OPERATIONS: dict[int, Callable[[Machine], None]] = {
    ord(key): operation
    for key, operation in {
        "(": Machine.mark,
        "0": Machine.pop_any,
        "1": lambda m: m.pop_to_mark() and None,
        "2": lambda m: m.push(m.top()),
        "F": lambda m: m.push(_parsed(m, float, m.short_line())),
        "I": _integer,
        "J": lambda m: m.push(m.number("<i")),
        "K": lambda m: m.push(m.number("<B")),
        "L": _long,
        "M": lambda m: m.push(m.number("<H")),
        "N": lambda m: m.push(None),
        "P": lambda m: _persistent(m, m.short_line().decode("latin-1")),
        "Q": lambda m: _persistent(m, m.pop()),
        "R": _reduce,
        "S": _string,
        "T": lambda m: _binstring(m, "<i"),
        "U": lambda m: _binstring(m, "<B"),
        "V": _unicode,
        "X": lambda m: m.payload("<I", "text"),
        "B": lambda m: m.payload("<I", "bytes"),
        "C": lambda m: m.payload("<B", "bytes"),
        "G": lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
        "a": _append_one,
        "b": _build,
        "c": _global,
        "d": _dictionary,
        "}": lambda m: m.push(Mapping()),
        "e": lambda m: _append(m, m.pop_to_mark()),
        "g": lambda m: m.get(_parsed(m, int, m.short_line())),
        "h": lambda m: m.get(m.number("<B")),
        "j": lambda m: m.get(m.number("<I")),
        "i": _inst,
        "l": lambda m: m.push(m.pop_to_mark()),
        "]": lambda m: m.push([]),
        "o": _obj,
        "p": lambda m: m.put(_parsed(m, int, m.short_line())),
        "q": lambda m: m.put(m.number("<B")),
        "r": lambda m: m.put(m.number("<I")),
        "s": _setitem,
        "t": lambda m: m.push(tuple(m.pop_to_mark())),
        ")": lambda m: m.push(()),
        "u": lambda m: _setitems(m, m.pop_to_mark()),
        "\x80": _protocol,
        "\x81": _newobj,
        "\x82": lambda m: _extension(m, "<B"),
        "\x83": lambda m: _extension(m, "<H"),
        "\x84": lambda m: _extension(m, "<i"),
        "\x85": lambda m: _tuple(m, 1),
        "\x86": lambda m: _tuple(m, 2),
        "\x87": lambda m: _tuple(m, 3),
        "\x88": lambda m: m.push(True),
        "\x89": lambda m: m.push(False),
        "\x8a": lambda m: _long_bytes(m, "<B"),
        "\x8b": lambda m: _long_bytes(m, "<i"),
        "\x8c": lambda m: m.payload("<B", "text"),
        "\x8d": lambda m: m.payload("<Q", "text"),
        "\x8e": lambda m: m.payload("<Q", "bytes"),
        "\x8f": lambda m: m.push(Bag()),
        "\x90": lambda m: _append(m, m.pop_to_mark()),
        "\x91": lambda m: m.push(Bag(m.pop_to_mark())),
        "\x92": _newobj_ex,
        "\x93": _stack_global,
        "\x94": Machine.memoize,
        "\x95": _frame,
        "\x96": lambda m: m.payload("<Q", "bytes"),
        "\x97": _buffer,
        "\x98": lambda m: None,
    }.items()
}
