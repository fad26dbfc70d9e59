"""``chainer-ft diff A B``: two files, entry by entry."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections import Counter

from chainer_ft.cli.output import say
from chainer_ft.report.differences import Difference, differences
from chainer_ft.report.table import align, painted, shape_text, wants_colour
from chainer_ft.types import Subcommand


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("a", metavar="A", help="weights file, or FILE::PREFIX")
    parser.add_argument("b", metavar="B", help="weights file, or FILE::PREFIX")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 where they differ")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> int:
    """Run the verb."""
    from chainer_ft.transfer import open as open_source

    with open_source(options.a) as a, open_source(options.b) as b:
        found = list(differences(a, b))
    say(_json(found, options) if options.json else _text(found, options))
    differ = any(one.status != "equal" for one in found)
    return 1 if options.exit_code and differ else 0


def _text(found: list[Difference], options: Namespace) -> str:
    cells = [("", "path", "A", "B", "largest difference"), *map(_cells, found)]
    lines, colour = align(cells), wants_colour()
    paint = [
        painted(line, "green" if one.status == "equal" else "red", colour)
        for line, one in zip(lines[1:], found, strict=True)
    ]
    counts = Counter(one.status for one in found)
    end = ", ".join(f"{count} {status}" for status, count in counts.items()) or "both are empty"
    return "\n".join([f"A: {options.a}", f"B: {options.b}", "", lines[0], *paint, "", end])


def _cells(one: Difference) -> tuple[str, ...]:
    a, b = (
        "" if entry is None else f"{shape_text(entry.shape)} {entry.dtype or ''}".strip()
        for entry in (one.a, one.b)
    )
    return one.status, one.path, a, b, "" if one.largest is None else f"{one.largest:.3g}"


def _json(found: list[Difference], options: Namespace) -> str:
    entries = [
        {
            "path": one.path,
            "status": one.status,
            "a": None if one.a is None or one.a.shape is None else list(one.a.shape),
            "b": None if one.b is None or one.b.shape is None else list(one.b.shape),
            "largest": None if one.largest is None else repr(one.largest),
        }
        for one in found
    ]
    data = {"schema": "chainer_ft.diff/1", "a": options.a, "b": options.b, "entries": entries}
    return json.dumps(data, indent=1)


VERB = Subcommand("diff", "compare two weights files, entry by entry", add_arguments, run)
