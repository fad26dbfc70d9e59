"""The pickle machine, protocols 0 to 5, over bytes that are not trusted.

Semantics as in CPython's ``Lib/pickle.py``; every opcode that would import or call something
makes a record instead. Payloads stay where they are. The work is linear in the file.
"""

from __future__ import annotations

import struct
from typing import Any

from chainer_ft.errors import FormatError, TruncatedError, UnsafeError
from chainer_ft.formats.pickled.operations import OPERATIONS
from chainer_ft.formats.pickled.records import Call, Global

#: An opcode costs up to 200 bytes and half a microsecond. Real files of more than a few links
#: have two bytes and more for each.
SPARE_OPCODES, MOST_OPCODES = 200_000, 16_000_000
_MOST_NAME = 1000
_STOP = ord(".")


class Machine:
    """Runs one pickle of a stream.

    Args:
        data: The stream; bytes or an ``mmap``.
        path: For messages.
        position: Where the pickle begins.
        opcodes: How many were run already.

    Attributes:
        protocol: The highest protocol that the stream declares.
        calls: Every call that it wanted to make, in order.
        globals: Everything that it wanted to import.
        remarks: Things no ordinary pickle does.
        position: Where the machine stands; behind STOP after :meth:`run`.
        opcodes: How many were run.
    """

    def __init__(self, data: Any, path: str, position: int = 0, opcodes: int = 0) -> None:
        self.data, self.path, self.position, self.size = data, path, position, len(data)
        self.opcodes = opcodes
        self.protocol = 0
        self.calls: list[Call] = []
        self.globals: dict[tuple[str, str], Global] = {}
        self.remarks: list[str] = []
        self.python2 = self.python3 = False
        self.stack: list[Any] = []  # above the last mark
        self.below: list[list[Any]] = []  # what each mark covers
        self.memo: dict[int, Any] = {}
        self.fetched: set[int] = set()  # ids of what stands in more than one place

    def run(self) -> Any:
        """Run to STOP.

        Returns:
            The record on top of the stack.

        Raises:
            TruncatedError: The stream ends before STOP.
            UnsafeError: It does more than any model needs.
            FormatError: It is no pickle, or damaged.
        """
        try:
            return self._run()
        except (IndexError, struct.error):
            if self.position > self.size:
                raise self.cut(self.position) from None
            raise self.error("the stack is empty") from None

    def _run(self) -> Any:
        data, operations = self.data, OPERATIONS
        limit = min(SPARE_OPCODES + self.size * 2 // 3, MOST_OPCODES)
        for number in range(self.opcodes, limit):
            position = self.position
            self.position = position + 1
            opcode = data[position]
            if opcode == _STOP:
                self.opcodes = number + 1
                return self.stack.pop()
            operations[opcode](self)
        raise UnsafeError(f"{self.path}: more than {limit:,} opcodes; this is no model")

    # What operations are made of. They step forward before they look, so that ``run`` can tell
    # the end of the file from an empty stack.

    def error(self, what: str) -> FormatError:
        """A FormatError that says where."""
        return FormatError(f"{self.path}: damaged pickle at byte {self.position}: {what}")

    def cut(self, end: int) -> TruncatedError:
        """A TruncatedError that says how much is missing."""
        return TruncatedError(
            f"{self.path}: ends at byte {self.size} of {end}; download or copy it again"
        )

    def skip(self, count: int) -> int:
        """Step over bytes; returns where they begin."""
        start = self.position
        if count < 0:
            raise self.error(f"a length of {count}")
        if start + count > self.size:
            raise self.cut(start + count)
        self.position = start + count
        return start

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

    def pop_to_mark(self) -> list[Any]:
        """Everything above the last mark."""
        if not self.below:
            raise self.error("there is no mark")
        items, self.stack = self.stack, self.below.pop()
        return items

    def name(self, module: str, name: str) -> Global:
        """The record of something to import, one for each name."""
        found = self.globals.get((module, name))
        if found is None:
            found = self.globals[module, name] = Global(module, name)
        return found

    def call(self, func: Any, args: Any, how: str) -> None:
        """Record a call, and push what stands for its result."""
        if not isinstance(args, tuple):
            what = func.full if isinstance(func, Global) else f"a {type(func).__name__}"
            self.remarks.append(f"{how} of {what} with arguments that are no tuple")
            args = (args,)
        made = Call(func, args, how, self.position)
        self.calls.append(made)
        self.stack.append(made)
