"""The tokens of a prototxt, each with its place. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from chainer_ft.errors import FormatError

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n\f\v]+|\#[^\n]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<float>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?|[0-9]+(?:[eE][+-]?[0-9]+[fF]?|[fF]))
    |(?P<integer>0[xX][0-9a-fA-F]+|[0-9]+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<symbol>[{}<>\[\]:;,\-])""",
    re.VERBOSE,
)
_AFTER_NUMBER = re.compile(r"[A-Za-z_]")


class PrototxtError(FormatError):
    """A prototxt that Caffe would not read either; the message begins ``file:line:column``."""


@dataclass(frozen=True)
class Text:
    """A prototxt and its name.

    Args:
        name: Its path, for messages.
        content: The text.
    """

    name: str
    content: str

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.content))]

    def position(self, offset: int) -> str:
        """``file:line:column`` of an offset, counted from 1."""
        line = bisect_right(self._lines, offset)
        return f"{self.name}:{line}:{offset - self._lines[line - 1] + 1}"


@dataclass(frozen=True)
class TextPlace:
    """A place in a prototxt; its ``str`` is ``file:line:column``."""

    text: Text
    offset: int

    def __str__(self) -> str:
        return self.text.position(self.offset)

    def error(self, trouble: str) -> PrototxtError:
        """An error that names this place."""
        return PrototxtError(f"{self}: {trouble}")


@dataclass(frozen=True)
class Token:
    """A token: its kind (``name``, ``float``, ``integer``, ``string``, ``symbol``, ``end``)."""

    kind: str
    text: str
    place: TextPlace

    @property
    def shown(self) -> str:
        """For messages."""
        return "the end of the file" if self.kind == "end" else f"{_short(self.text)!r}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def tokens(text: Text) -> Iterator[Token]:
    """The tokens, the last of kind ``end``.

    Raises:
        PrototxtError: What stands there is no token.

    Example:
        >>> [t.text for t in tokens(Text("a.prototxt", "pad: 1  # one"))]
        ['pad', ':', '1', '']
    """
    content, at = text.content, 0
    while at < len(content):
        match = _TOKEN.match(content, at)
        place = TextPlace(text, at)
        if match is None:
            raise _error(place, content[at])
        at = match.end()
        kind = str(match.lastgroup)
        if kind in ("float", "integer") and _AFTER_NUMBER.match(content, at):
            raise place.error(f"a space is missing after the number {match.group()!r}")
        if kind != "blank":
            yield Token(kind, match.group(), place)
    yield Token("end", "", TextPlace(text, len(content)))


def _error(place: TextPlace, character: str) -> PrototxtError:
    if character in "\"'":
        return place.error("this string has no end on its line")
    return place.error(f"{character!r} has no meaning in a prototxt")
