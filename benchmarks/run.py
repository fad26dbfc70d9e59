"""``python benchmarks/run.py [SUITE] [--json] [--quick]``: measure, print the table, keep it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from feature_figures import measure_features
from figures import Figure, Setting, measure
from image_figures import measure_images
from measuring import HERE
from training_figures import measure_training


@dataclass(frozen=True)
class Suite:
    """Figures that are measured together.

    Args:
        measure: Gives them.
        results: The file beside this one that keeps the table.
        page: The page that shows it, between two marks.
    """

    measure: Callable[[Setting], Iterator[Figure]]
    results: Path
    page: Path


SUITES = {
    "files": Suite(measure, HERE / "results.md", HERE.parent / "README.md"),
    "training": Suite(
        measure_training, HERE / "training.md", HERE.parent / "docs" / "training" / "speed.md"
    ),
    "images": Suite(
        measure_images, HERE / "images.md", HERE.parent / "docs" / "training" / "images.md"
    ),
    "features": Suite(
        measure_features, HERE / "features.md", HERE.parent / "docs" / "training" / "features.md"
    ),
}
_SHOWN = re.compile(r"(?<=<!-- benchmarks -->\n).*?(?=<!-- /benchmarks -->)", re.DOTALL)


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [("what", "today", "chainer_ft", "goal", "reached"), ("---",) * 5]
    rows += [(f.what, f.today, f.here, _goal(f), _reached(f)) for f in figures]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _goal(figure: Figure) -> str:
    return "-" if figure.goal is None else f"{figure.goal:g} {figure.unit}".replace(" x", "x", 1)


def _reached(figure: Figure) -> str:
    return {True: "yes", False: "**no**", None: "-"}[figure.met]


def machine() -> str:
    """One line about where this was measured."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cores} "
        f"cores (load {load:.1f} when it began); medians of runs that take turns, warm file cache."
    )


def keep(text: str, suite: Suite) -> None:
    """Write the table beside this file and into a page, between its two marks."""
    suite.results.write_text(text, encoding="utf-8")
    page = suite.page.read_text(encoding="utf-8")
    suite.page.write_text(_SHOWN.sub(lambda _: text, page), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="?", choices=SUITES, default="files", help="what (files)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--quick", action="store_true", help="small files, one round; keep nothing")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command")
    parser.add_argument("--folder", type=Path, help="where the files of 4 GB in all go")
    parser.add_argument("--device", default="@numpy", help="where to train; keeps only @numpy's")
    options = parser.parse_args(arguments)
    suite, where = SUITES[options.suite], machine()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        small = {"shrink": 16, "rounds": 1, "entries": 200} if options.quick else {}
        chosen = {"rounds": options.rounds, "device": options.device, **small}
        figures = list(_telling(suite.measure(Setting(Path(name), **chosen))))
    text = f"{table(figures)}\n{where}\n"
    found = [asdict(figure) | {"met": figure.met} for figure in figures]
    data = {"schema": "chainer_ft.benchmarks/1", "machine": where, "figures": found}
    print(json.dumps(data, indent=1) if options.json else text, end="")
    if not options.quick and options.device == "@numpy":
        keep(text, suite)
    return 0


def _telling(figures: Iterator[Figure]) -> Iterator[Figure]:
    """Progress, on a terminal."""
    for figure in figures:
        if sys.stderr.isatty():
            print(f"{figure.what}: {figure.here}", file=sys.stderr)
        yield figure


if __name__ == "__main__":
    sys.exit(main())
