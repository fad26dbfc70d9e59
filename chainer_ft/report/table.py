"""Rows of text in columns, with colour where a terminal wants it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_COLOURS = {"green": 32, "yellow": 33, "red": 31, "grey": 90}


def align(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Lines of equal columns, two spaces apart.

    Args:
        rows: Cells; each row has the same number.
        right: Columns that are set flush right.

    Example:
        >>> align([("path", "size"), ("/fc/W", "6")], right=(1,))
        ['path   size', '/fc/W     6']
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def wants_colour(stream: object = None) -> bool:
    """Whether to colour: only on a terminal, never under ``NO_COLOR``."""
    stream = sys.stdout if stream is None else stream
    is_terminal = bool(getattr(stream, "isatty", lambda: False)())
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(line: str, colour: str | None, on: bool) -> str:
    """The line in a colour, if colour is on."""
    return f"\x1b[{_COLOURS[colour]}m{line}\x1b[0m" if on and colour else line


def printable(text: str) -> str:
    r"""Text of a file that is not trusted, with what a terminal would obey spelled out.

    Example:
        >>> print(printable("a\x1b[2J"))
        a\x1b[2J
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shape_text(shape: Sequence[int | None] | None) -> str:
    """A shape as people write it.

    Example:
        >>> shape_text((64, 3, 3, 3)), shape_text(()), shape_text(None), shape_text((10, None))
        ('64x3x3x3', 'scalar', 'not set', '10x?')
    """
    if shape is None:
        return "not set"
    return "x".join("?" if n is None else str(n) for n in shape) or "scalar"


def siblings(paths: Sequence[str]) -> str:
    """Paths of one link as one phrase.

    Example:
        >>> siblings(["/conv1/W", "/conv1/b"]), siblings(["/conv1/W"])
        ('/conv1.{W, b}', '/conv1/W')
    """
    if len(paths) == 1:
        return paths[0]
    link = paths[0].rpartition("/")[0]
    return f"{link}.{{{', '.join(path.rpartition('/')[2] for path in paths)}}}"
