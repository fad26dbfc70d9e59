"""A schedule as a picture: what trains when, and at which rate."""

from __future__ import annotations

import math
import os
from textwrap import fill
from typing import Any

from chainer_ft.report.pictures import picture, verbatim
from chainer_ft.report.timeline import Span, Timeline

_MOST_ROWS = 40
_FROZEN = "#e8e8e8"
_LETTERS = 95  # that stand side by side above the picture


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
        axes.set_yticks(
            range(len(shown.rows)), [verbatim(row.label) for row in shown.rows], fontsize=8
        )
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
            verbatim(words),
            ha="center",
            va="bottom",
            fontsize=8,
        )
    if timeline.unit == "phase":
        axes.set_xticks([])
