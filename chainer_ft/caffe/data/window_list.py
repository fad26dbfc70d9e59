"""The list of a ``WindowData`` layer: images, and boxes in them with classes and overlaps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from chainer_ft.errors import FormatError
from chainer_ft.formats.unopened import unopened


class Window(NamedTuple):
    """A box in an image.

    Attributes:
        path: Of the image, as written.
        label: Its class; 0 is the background.
        overlap: Share of a true box that it covers.
        x1: Left, in pixels; as the others, the last one that belongs to it.
        y1: Top.
        x2: Right.
        y2: Bottom.
        line: Where it stands, ``windows.txt:7``.
    """

    path: str
    label: int
    overlap: float
    x1: int
    y1: int
    x2: int
    y2: int
    line: str


def read_windows(path: str | os.PathLike[str]) -> list[Window]:
    """Read a list: for each image ``# INDEX``, its path, channels, height, width, the number of its
    windows, and these: ``CLASS OVERLAP X1 Y1 X2 Y2``.

    Raises:
        FormatError: With file and line.
    """
    name = os.fspath(path)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            words = _Words(name, file.read())
    except (OSError, ValueError) as error:
        raise unopened(name, error) from error
    windows = [window for _ in iter(lambda: words.is_done, True) for window in _image(words)]
    if not windows:
        raise FormatError(f"{name}: lists no windows")
    return windows


def _image(words: _Words) -> Iterator[Window]:
    words.mark("#")
    words.number(int, "the index of an image")
    path = words.take("the path of an image")
    for what in ("channels", "height", "width"):
        words.number(int, f"the {what} of an image")
    for _ in range(words.number(int, "the number of windows")):
        label, overlap = words.number(int, "a class"), words.number(float, "an overlap")
        line = words.line
        x1, y1, x2, y2 = (words.number(int, "a corner of a window") for _ in range(4))
        if x1 > x2 or y1 > y2:
            raise FormatError(f"{line}: a window of no size, {(x1, y1, x2, y2)}")
        yield Window(path, label, overlap, x1, y1, x2, y2, line)


class _Words:
    """The words of a text, and the lines that they stand in."""

    def __init__(self, name: str, text: str) -> None:
        lines = enumerate(text.split("\n"), 1)
        self._words = [
            (word, f"{name}:{number}") for number, line in lines for word in line.split()
        ]
        self._at, self._end = 0, f"{name}: ends"

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._words)

    @property
    def line(self) -> str:
        """Where the word before stands."""
        return self._words[self._at - 1][1]

    def take(self, what: str) -> str:
        if self.is_done:
            raise FormatError(f"{self._end} where {what} should stand")
        self._at += 1
        return self._words[self._at - 1][0]

    def number(self, kind: type, what: str) -> Any:
        word = self.take(what)
        try:
            return kind(word)
        except ValueError:
            raise FormatError(f"{self.line}: {word[:40]!r} stands where {what} should") from None

    def mark(self, wanted: str) -> None:
        word = self.take(f"a line `{wanted} INDEX`")
        if word != wanted:
            raise FormatError(
                f"{self.line}: {word[:40]!r} stands where a line `# INDEX` should begin"
            )
