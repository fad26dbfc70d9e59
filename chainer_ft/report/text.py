"""Plans, listings and outcomes as text tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chainer_ft.formats.provenance import history
from chainer_ft.planning.coverage import counts
from chainer_ft.report.order import in_order
from chainer_ft.report.rows import Row, rows
from chainer_ft.report.table import align, painted, printable, shape_text, siblings
from chainer_ft.types import Entry, Plan, Source

_COLOUR = {"copied": "green", "skipped": "grey", "unexpected": "yellow"}


def plan_table(plan: Plan, colour: bool = False) -> str:
    """The copy map, ending with one line of coverage.

    Args:
        plan: The plan.
        colour: Whether to colour lines by status.
    """
    made = rows(plan)
    head = f"{plan.source.origin} -> {plan.target.origin}  (policy {plan.policy})"
    cells = [("", "source", "target", "shape", "parameters", ""), *map(_cells, made)]
    lines = align(cells, right=(4,))
    paint = [
        painted(line, _COLOUR.get(r.status, "red"), colour)
        for line, r in zip(lines[1:], made, strict=True)
    ]
    return "\n".join([head, "", lines[0], *paint, "", coverage_line(plan)])


def _cells(row: Row) -> tuple[str, ...]:
    parameters = f"{row.parameters:,}" if row.parameters else ""
    sources, targets = _side(row.sources), _side(row.targets)
    return (row.status, sources, targets, row.shape, parameters, row.remark)


def _side(paths: tuple[str, ...]) -> str:
    links: dict[str, list[str]] = {}
    for path in paths:
        links.setdefault(path.rpartition("/")[0], []).append(path)
    return ", ".join(siblings(group) for group in links.values())


def coverage_line(plan: Plan) -> str:
    """What the plan comes to, on one line."""
    filled, total = counts(plan)
    parts = [f"{len(plan.pairs)} arrays copied"]
    for word, found in (
        ("missing", plan.missing),
        ("unexpected", plan.unexpected),
        ("of another shape", plan.incorrect_shapes),
        ("ambiguous", [p for tie in plan.ambiguous for p in tie.targets]),
        ("skipped", plan.skipped),
    ):
        parts += [f"{len(found)} {word}"] if found else []
    share = f"{plan.coverage:.1%}" if plan.coverage in (0.0, 1.0) else f"{plan.coverage:.2%}"
    return f"coverage {share}: {filled:,} of {total:,} parameters; {', '.join(parts)}"


def source_table(source: Source) -> str:
    """The listing of a file or link, what it holds in all, and where it came from."""
    listing = source.listing
    cells = [
        ("path", "shape", "dtype", "kind", "parameters", "link", ""),
        *map(_entry_cells, in_order(listing)),
    ]
    total = sum(e.size for e in listing if e.kind == "param" and e.shared_with is None)
    end = f"{len(listing)} arrays, {total:,} parameters  ({source.format})"
    lines = [source.name, "", *align(cells, right=(4,)), "", end]
    lines += ["", *source.details] if source.details else []
    lines += [f"note: {note}" for note in source.notes]
    return "\n".join(lines + origin_lines(source.provenance))


def _entry_cells(entry: Entry) -> tuple[str, ...]:
    remark = [*entry.transforms, entry.note]
    if entry.shared_with:
        remark.append(f"same array as {entry.shared_with}")
    return (
        entry.path,
        shape_text(entry.shape),
        str(entry.dtype) if entry.dtype is not None else "",
        entry.kind,
        f"{entry.size:,}" if entry.kind == "param" and entry.shape is not None else "",
        entry.link_type or "",
        "; ".join(filter(None, remark)),
    )


def origin_lines(provenance: Mapping[str, Any] | None) -> list[str]:
    """Where a file written by chainer_ft says that its weights come from."""
    return [line for one in history(provenance) for line in _source_lines(one.get("sources"))]


def _source_lines(sources: object) -> Iterator[str]:
    for one in sources if isinstance(sources, list) else ():
        if isinstance(one, dict):
            digest = f" (sha256 {one['sha256']})" if one.get("sha256") else ""
            yield printable(f"weights from: {one.get('name')}{digest}")
