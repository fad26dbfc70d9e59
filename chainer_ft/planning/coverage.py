"""Coverage: the share of the target's parameters that a plan fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainer_ft.types import Entry, Plan


def counts(plan: Plan, prefix: str = "") -> tuple[int, int]:
    """Elements of the target's parameters below ``prefix``: filled, and all.

    A shared parameter counts once. One whose size nobody knows yet counts as one element, so
    that a lazy parameter which stays unfilled keeps the coverage below 1.
    """
    sources = {plan.target[p.target].owner: plan.source[p.source] for p in plan.pairs}
    filled = total = 0
    for entry in plan.target:
        inside = entry.path.startswith(prefix.rstrip("/") + "/")
        if entry.kind != "param" or entry.shared_with is not None or not inside:
            continue
        source = sources.get(entry.path)
        size = _size(entry, source)
        total += size
        filled += size if source is not None else 0
    return filled, total


def coverage(plan: Plan, prefix: str = "") -> float:
    """Share of elements from 0.0 to 1.0; 1.0 where there is nothing to fill."""
    filled, total = counts(plan, prefix)
    return filled / total if total else 1.0


def _size(entry: Entry, source: Entry | None) -> int:
    if entry.shape is not None:
        return entry.size
    return source.size if source is not None else 1
