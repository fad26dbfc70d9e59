"""A schedule as a table and as JSON: what trains when, and at which rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainer_ft.report.table import align


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
