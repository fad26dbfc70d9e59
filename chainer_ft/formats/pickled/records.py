"""What a pickle holds, as inert records.

They have slots and are not frozen, because a file may hold millions: nobody changes them
but the machine. Those that hold others have no ``repr``: it could be longer than any memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Coding = Literal["bytes", "str2", "text", "escaped", "unicode"]


@dataclass(eq=False, slots=True)
class Raw:
    """A string or bytes, still in the stream.

    Args:
        start: Offset of its first byte.
        end: Offset behind its last byte.
        coding: ``bytes``; ``str2`` (Python 2's str: bytes or text, nobody knows); ``text``
            (UTF-8); ``escaped`` (protocol 0: a repr of Python 2's str); ``unicode`` (protocol 0:
            raw-unicode-escape).
    """

    start: int
    end: int
    coding: Coding

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(eq=False, slots=True)
class Global:
    """A class or function by name. It stays a name.

    Args:
        module: As written.
        name: As written.
        full: Both, with a dot.
    """

    module: str
    name: str
    full: str = field(init=False)

    def __post_init__(self) -> None:
        self.full = f"{self.module}.{self.name}"

    def __str__(self) -> str:
        return self.full


@dataclass(eq=False, slots=True, repr=False)
class Call:
    """Something that the pickle wanted to call, and what it wanted to do with the result.

    Args:
        func: What to call: a :class:`Global`, or any other record.
        args: Its arguments.
        how: ``reduce``, ``newobj``, ``inst``, ``extension``.
        offset: Where in the stream.
        states: Arguments of BUILD, first to last.
        items: Appended items, or pairs of keys and values.
    """

    func: Any
    args: tuple[Any, ...]
    how: str
    offset: int
    states: tuple[Any, ...] = ()
    items: list[Any] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of what would be called."""
        return self.func.full if isinstance(self.func, Global) else "(computed)"


@dataclass(eq=False, slots=True, repr=False)
class Mapping:
    """A dictionary: pairs in the order of the stream. Keys are not hashed."""

    pairs: list[tuple[Any, Any]] = field(default_factory=list)


@dataclass(eq=False, slots=True, repr=False)
class Bag:
    """A set or frozenset, in the order of the stream."""

    items: list[Any] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Huge:
    """An integer of more than 64 bytes, which is no weight."""

    nbytes: int
