"""A schedule as a picture, a table and JSON: what trains when, and at which rate."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from chainer_ft.report.pictures import picture
from chainer_ft.report.table import align

_MOST_ROWS = 40
_FROZEN = "#e8e8e8"
_LETTERS = 95  # that stand side by side above the picture


@dataclass(frozen=True)
class Span:
    """A phase on the axis of time.

    Args:
        name: The phase.
        start: Where it begins, in the unit of the timeline.
        end: Where it ends; for one that a metric or the trainer ends, where it is drawn to end.
        length: Its length in words.
        is_open: Whether something else than the length may end it.
    """

    name: str
    start: float
    end: float
    length: str
    is_open: bool = False


@dataclass(frozen=True)
class Row:
    """A layer through all phases.

    Args:
        label: Its path, or the first and the last of several layers that do the same.
        rates: Factor of the learning rate in each phase, ``None`` where the layer is frozen.
        partly: Whether some of its parameters do otherwise in that phase; ``rates`` has the
            highest.
    """

    label: str
    rates: tuple[float | None, ...]
    partly: tuple[bool, ...]


@dataclass(frozen=True)
class Timeline:
    """What trains when.

    Args:
        rows: Layers from the input to the head.
        spans: The phases.
        unit: ``epoch`` or ``iteration``; ``phase`` where both occur and cannot be compared.
    """

    rows: tuple[Row, ...]
    spans: tuple[Span, ...]
    unit: str

    def merged(self) -> Timeline:
        """The same with neighbours that do the same in one row.

        Example:
            >>> rows = tuple(Row(f"/conv{i}", (None, 0.1), (False, False)) for i in range(3))
            >>> [row.label for row in Timeline(rows, (), "epoch").merged().rows]
            ['/conv0 ... /conv2 (3)']
        """
        groups: list[list[Row]] = []
        for row in self.rows:
            same = groups and _course(groups[-1][0]) == _course(row)
            groups[-1].append(row) if same else groups.append([row])
        return Timeline(tuple(map(_one_row, groups)), self.spans, self.unit)


def _course(row: Row) -> tuple[Any, ...]:
    return row.rates, row.partly


def _one_row(group: Sequence[Row]) -> Row:
    first = group[0]
    if len(group) == 1:
        return first
    return Row(f"{first.label} ... {group[-1].label} ({len(group)})", first.rates, first.partly)


def timeline_table(timeline: Timeline) -> str:
    """The timeline as text, one column a phase."""
    heads = ("", *(span.name for span in timeline.spans))
    lengths = ("", *(span.length for span in timeline.spans))
    rows = [(row.label, *_cells(row)) for row in timeline.merged().rows]
    return "\n".join(align([heads, lengths, *rows]))


def _cells(row: Row) -> Iterator[str]:
    for rate, partly in zip(row.rates, row.partly, strict=True):
        yield "frozen" if rate is None else f"x{rate:.3g}{' partly' if partly else ''}"


def timeline_data(timeline: Timeline) -> dict[str, Any]:
    """The timeline as plain data."""
    return {
        "unit": timeline.unit,
        "phases": [vars(span) for span in timeline.spans],
        "layers": [
            {"path": row.label, "rates": list(row.rates), "partly": list(row.partly)}
            for row in timeline.rows
        ],
    }


def timeline_of(data: Mapping[str, Any]) -> Timeline:
    """The timeline that :func:`timeline_data` gave."""
    rows = (Row(one["path"], tuple(one["rates"]), tuple(one["partly"])) for one in data["layers"])
    return Timeline(tuple(rows), tuple(Span(**one) for one in data["phases"]), data["unit"])


def draw_timeline(timeline: Timeline, path: str | os.PathLike[str]) -> None:
    """Draw the timeline: a row a layer, the input at the top; grey is frozen.

    Args:
        timeline: What to draw. Over 40 layers, neighbours that do the same share a row.
        path: The picture; its suffix says the format.

    Raises:
        UsageError: There is no matplotlib.
        FormatError: The file cannot be written.
    """
    shown = timeline if len(timeline.rows) <= _MOST_ROWS else timeline.merged()
    height = 1.6 + 0.24 * len(shown.rows)
    with picture(path, 8.0, height) as axes:
        for y, row in enumerate(shown.rows):
            for span, rate, partly in zip(shown.spans, row.rates, row.partly, strict=True):
                _draw_bar(axes, y, span, rate, partly)
        _draw_phases(axes, shown)
        axes.set_yticks(range(len(shown.rows)), [row.label for row in shown.rows], fontsize=8)
        axes.set_ylim(len(shown.rows) - 0.5, -0.5)
        axes.set_xlim(shown.spans[0].start, shown.spans[-1].end)
        axes.set_xlabel(f"{shown.unit}    (grey: frozen; numbers: factor of the learning rate)")
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)


def _draw_bar(axes: Any, y: int, span: Span, rate: float | None, partly: bool) -> None:
    width = span.end - span.start
    colour = _FROZEN if rate is None else _colour(rate)
    hatch = "///" if partly else None
    axes.barh(y, width, left=span.start, height=0.8, color=colour, edgecolor="white", hatch=hatch)
    if rate is not None:
        dark = _depth(rate) > 0.5
        axes.text(
            span.start + width / 2,
            y,
            f"{rate:.3g}",
            color="white" if dark else "black",
            ha="center",
            va="center",
            fontsize=7,
        )


def _depth(rate: float) -> float:
    """0 for a thousandth and less, 1 for 1 and more."""
    return min(max(1 + math.log10(rate) / 3, 0.0), 1.0)


def _colour(rate: float) -> tuple[float, float, float]:
    """From pale to dark green with the logarithm of the rate."""
    pale, dark, depth = (0.78, 0.91, 0.75), (0.0, 0.27, 0.11), _depth(rate)
    r, g, b = (p + (d - p) * depth for p, d in zip(pale, dark, strict=True))
    return r, g, b


def _draw_phases(axes: Any, timeline: Timeline) -> None:
    """Names above the phases, a line between them; dashed where the end is open."""
    whole = timeline.spans[-1].end - timeline.spans[0].start
    for span in timeline.spans:
        letters = max(int(_LETTERS * (span.end - span.start) / whole), 8)
        words = fill(span.name, letters) + "\n" + fill(span.length, letters)
        axes.axvline(span.end, color="black", lw=0.8, ls="--" if span.is_open else "-")
        axes.text(
            (span.start + span.end) / 2,
            -0.7,
            words,
            ha="center",
            va="bottom",
            fontsize=8,
        )
    if timeline.unit == "phase":
        axes.set_xticks([])
