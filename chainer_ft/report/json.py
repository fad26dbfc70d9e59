"""The same as plain data. Each carries a ``schema`` key with a version."""

from __future__ import annotations

from typing import Any

from chainer_ft.planning.coverage import counts
from chainer_ft.types import Entry, Outcome, Plan, Source


def entry_data(entry: Entry) -> dict[str, Any]:
    """One entry; keys that say nothing are left out."""
    data: dict[str, Any] = {
        "path": entry.path,
        "shape": None if entry.shape is None else list(entry.shape),
        "dtype": None if entry.dtype is None else str(entry.dtype),
        "kind": entry.kind,
        "parameters": entry.size if entry.kind == "param" else 0,
    }
    for key in ("link_type", "shared_with", "note"):
        if getattr(entry, key):
            data[key] = getattr(entry, key)
    if entry.transforms:
        data["transforms"] = list(entry.transforms)
    return data


def source_data(source: Source) -> dict[str, Any]:
    """A listing."""
    return {
        "schema": "chainer_ft.listing/1",
        "name": source.name,
        "format": source.format,
        "entries": [entry_data(entry) for entry in source.listing],
        "notes": list(source.notes),
        "provenance": source.provenance,
    }


def plan_data(plan: Plan) -> dict[str, Any]:
    """All of a plan."""
    filled, total = counts(plan)
    return {
        "schema": "chainer_ft.plan/1",
        "policy": plan.policy,
        "source": plan.source.origin,
        "target": plan.target.origin,
        "coverage": plan.coverage,
        "filled_parameters": filled,
        "target_parameters": total,
        "coverage_by_child": {child: plan.coverage_of(child) for child in _children(plan)},
        "pairs": [
            {
                "source": pair.source,
                "target": pair.target,
                "shape": list(plan.source[pair.source].shape or ()),
                "reason": pair.reason,
                "transforms": [*plan.source[pair.source].transforms, *pair.transforms],
            }
            for pair in plan.pairs
        ],
        "missing": list(plan.missing),
        "unexpected": list(plan.unexpected),
        "incorrect_shapes": [
            {
                "source": clash.source,
                "target": clash.target,
                "source_shape": _shape(clash.source_shape),
                "target_shape": _shape(clash.target_shape),
            }
            for clash in plan.incorrect_shapes
        ],
        "ambiguous": [
            {"sources": list(t.sources), "targets": list(t.targets), "reason": t.reason}
            for t in plan.ambiguous
        ],
        "skipped": [{"side": s.side, "path": s.path, "rule": s.rule} for s in plan.skipped],
        "reasons": [
            {"side": side, "path": path, "reason": reason}
            for (side, path), reason in plan.reasons.items()
        ],
        "renamed": dict(plan.renamed),
        "source_entries": [entry_data(entry) for entry in plan.source],
        "target_entries": [entry_data(entry) for entry in plan.target],
    }


def outcome_data(plan: Plan, outcome: Outcome | None) -> dict[str, Any]:
    """A plan and what came of it (``applied`` is false after a dry run)."""
    return {
        **plan_data(plan),
        "applied": outcome is not None,
        "written": outcome.written if outcome else None,
        "initialized": list(outcome.initialized) if outcome else [],
    }


def _children(plan: Plan) -> list[str]:
    tops = ("/" + e.path.split("/")[1] for e in plan.target if e.path.count("/") > 1)
    return list(dict.fromkeys(tops))


def _shape(shape: tuple[int | None, ...] | None) -> list[int | None] | None:
    return None if shape is None else list(shape)
