"""The copy map: a plan as rows, siblings of one fate together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chainer_ft.report.order import in_order, plan_in_order
from chainer_ft.report.table import shape_text
from chainer_ft.types import Entry, Pair, Plan
from chainer_ft.types.plan import Side


@dataclass(frozen=True)
class Row:
    """One line of the copy map.

    Args:
        status: ``copied``, ``shape``, ``missing``, ``unexpected``, ``ambiguous``, ``skipped``.
        sources: Paths of one link in the source.
        targets: Paths of one link in the target.
        shape: Shapes as text, both where they clash.
        parameters: Elements of the parameters among them.
        remark: Why, or what is done to the numbers.
    """

    status: str
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    shape: str = ""
    parameters: int = 0
    remark: str = ""


def rows(plan: Plan) -> list[Row]:
    """The copy map, in the order of the target; what only the source has comes last.

    Where a file keeps no order, both sides are shown in one that is the same each time.
    """
    plan = plan_in_order(plan)
    by_target: list[tuple[int, Row]] = []
    place = {entry.path: i for i, entry in enumerate(in_order(plan.target))}
    for row in (*_copied(plan), *_clashes(plan), *_missing(plan), *_skipped(plan, "target")):
        by_target.append((place[row.targets[0]], row))
    by_target.sort(key=lambda pair: pair[0])
    ties = [Row("ambiguous", tie.sources, tie.targets, remark=tie.reason) for tie in plan.ambiguous]
    rest = (*ties, *_unexpected(plan), *_skipped(plan, "source"))
    return [row for _, row in by_target] + list(rest)


def _copied(plan: Plan) -> Iterator[Row]:
    groups: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in plan.pairs:
        links = plan.source[pair.source].link, plan.target[pair.target].link
        groups.setdefault((*links, _remark(plan, pair)), []).append(pair)
    for (_, _, remark), pairs in groups.items():
        entries = [plan.source[p.source] for p in pairs]
        yield Row(
            "copied",
            tuple(p.source for p in pairs),
            tuple(p.target for p in pairs),
            _shapes(entries),
            sum(plan.source[p.source].size for p in pairs if plan.target[p.target].kind == "param"),
            remark,
        )


def _remark(plan: Plan, pair: Pair) -> str:
    steps = (*plan.source[pair.source].transforms, *pair.transforms)
    return "; ".join(filter(None, (*steps, pair.reason)))


def _clashes(plan: Plan) -> Iterator[Row]:
    for clash in plan.incorrect_shapes:
        shapes = f"{shape_text(clash.source_shape)} is not {shape_text(clash.target_shape)}"
        size = plan.target[clash.target].size
        yield Row("shape", (clash.source,), (clash.target,), shapes, size)


def _missing(plan: Plan) -> Iterator[Row]:
    for entries, remark in _groups(plan, "target", plan.missing):
        yield Row("missing", (), _paths(entries), _shapes(entries), _parameters(entries), remark)


def _unexpected(plan: Plan) -> Iterator[Row]:
    for entries, remark in _groups(plan, "source", plan.unexpected):
        yield Row("unexpected", _paths(entries), (), _shapes(entries), _parameters(entries), remark)


def _skipped(plan: Plan, side: Side) -> Iterator[Row]:
    listing = plan.source if side == "source" else plan.target
    chosen = [skip for skip in plan.skipped if skip.side == side]
    groups: dict[tuple[str, str], list[Entry]] = {}
    for skip in chosen:
        groups.setdefault((listing[skip.path].link, skip.rule), []).append(listing[skip.path])
    for (_, rule), entries in groups.items():
        paths: tuple[tuple[str, ...], tuple[str, ...]] = (_paths(entries), ())
        sources, targets = paths if side == "source" else paths[::-1]
        yield Row("skipped", sources, targets, _shapes(entries), _parameters(entries), rule)


def _groups(plan: Plan, side: Side, paths: Iterable[str]) -> Iterator[tuple[list[Entry], str]]:
    """Entries of one link that are left over for one reason."""
    listing = plan.source if side == "source" else plan.target
    groups: dict[tuple[str, str], list[Entry]] = {}
    for path in paths:
        key = listing[path].link, plan.reasons.get((side, path), "")
        groups.setdefault(key, []).append(listing[path])
    for (_, remark), entries in groups.items():
        yield entries, remark


def _paths(entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(entry.path for entry in entries)


def _shapes(entries: Sequence[Entry]) -> str:
    return ", ".join(shape_text(e.shape or e.partial_shape or e.shape) for e in entries)


def _parameters(entries: Sequence[Entry]) -> int:
    return sum(entry.size for entry in entries if entry.kind == "param")
