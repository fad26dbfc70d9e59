"""From two listings, a policy and rules to a plan in which every entry stands once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chainer_ft.errors import RuleError
from chainer_ft.planning.fit import fit_by_name
from chainer_ft.planning.proposals import Found, Sides, collect
from chainer_ft.planning.rules import Rules, renamed, skips
from chainer_ft.types import Listing, MatchPolicy, Plan, Skip
from chainer_ft.types.plan import Side


def make_plan(
    source: Listing, target: Listing, policy: MatchPolicy, rules: Rules | None = None
) -> Plan:
    """Decide for every entry of both sides what happens to it.

    Args:
        source: What there is.
        target: What is to be filled.
        policy: Finds the partners.
        rules: Renames, skips and onlys of the user.

    Returns:
        Plan: Each source entry and each target entry stands in it exactly once.

    Raises:
        RuleError: A rule hits nothing.
        PluginError: The policy proposes what is not in the listings, or one entry twice.

    Example:
        >>> from chainer_ft.planning.by_name import POLICY
        >>> old, new = Listing.of({"/fc/W": (2, 3)}), Listing.of({"/fc/W": (9, 3)})
        >>> make_plan(old, new, POLICY).incorrect_shapes[0].target_shape
        (9, 3)
    """
    rules = rules or Rules()
    theirs, origin = renamed(source, rules)
    left_out = skips(theirs, target, rules, origin)
    shown = Sides(_readable(theirs), _wanting(target, theirs)).without(left_out)
    found = collect(policy, shown)
    _check_skips(target, found, left_out)
    shared = _filled_by_sharing(target, found, {s.path for s in left_out if s.side == "target"})
    back = {new: old for new, old in origin.items() if new != old}
    skipped = (*left_out, *shared)
    gone_source = found.sources | {s.path for s in skipped if s.side == "source"}
    gone_target = found.targets | {s.path for s in skipped if s.side == "target"}
    missing = tuple(p for p in target.paths if p not in gone_target)
    unexpected = tuple(p for p in theirs.paths if p not in gone_source)
    plan = Plan(
        source=source,
        target=target,
        policy=policy.name,
        pairs=tuple(found.pairs),
        missing=missing,
        unexpected=unexpected,
        incorrect_shapes=tuple(found.clashes),
        ambiguous=tuple(found.ties),
        skipped=skipped,
        reasons=_reasons(theirs, target, missing, unexpected),
        renamed={old: new for new, old in back.items()},
    )
    return _with_file_paths(plan, origin) if back else plan


def _readable(source: Listing) -> Listing:
    """What has an array that may be read."""
    return source.where(e.path for e in source if e.shape is not None and not e.note)


def _wanting(target: Listing, source: Listing) -> Listing:
    """What is to be filled: all but what neither side has an array for."""
    empty = {e.path for e in source if e.shape is None}
    return target.where(e.path for e in target if e.shape is not None or e.path not in empty)


def _check_skips(target: Listing, found: Found, left_out: Iterable[Skip]) -> None:
    """Raise where a skipped entry would change all the same, under another name."""
    filled = {target[p.target].owner: p.target for p in found.pairs}
    for skip in left_out:
        other = filled.get(target[skip.path].owner) if skip.side == "target" else None
        if other is not None and skip.rule.startswith("skip"):
            raise RuleError(
                f"{skip.rule}: {skip.path} is the same array as {other}, which is filled; skip both"
            )


def _filled_by_sharing(target: Listing, found: Found, skipped: set[str]) -> tuple[Skip, ...]:
    """Other names of an array that is filled under one of its names."""
    filled = {target[p.target].owner: p.target for p in found.pairs}
    decided = found.targets | skipped
    return tuple(
        Skip("target", e.path, f"is the same array as {filled[e.owner]}")
        for e in target
        if e.owner in filled and e.path not in decided
    )


def _reasons(
    source: Listing, target: Listing, missing: Iterable[str], unexpected: Iterable[str]
) -> dict[tuple[Side, str], str]:
    """Why a link that both sides have under one name was not copied."""
    reasons: dict[tuple[Side, str], str] = {}
    for path in missing:
        link = target[path].link
        if link in source.links:
            reasons["target", path] = fit_by_name(source.links[link], target.links[link]).reason
    for path in unexpected:
        entry = source[path]
        if entry.note:
            reasons["source", path] = entry.note
        elif entry.link in target.links:
            theirs, ours = source.links[entry.link], target.links[entry.link]
            reasons["source", path] = fit_by_name(theirs, ours).reason
    return {key: reason for key, reason in reasons.items() if reason}


def _with_file_paths(plan: Plan, origin: dict[str, str]) -> Plan:
    """The plan with the source paths that stand in the file, not the renamed ones."""
    return replace(
        plan,
        pairs=tuple(replace(p, source=origin[p.source]) for p in plan.pairs),
        unexpected=tuple(origin[p] for p in plan.unexpected),
        incorrect_shapes=tuple(replace(c, source=origin[c.source]) for c in plan.incorrect_shapes),
        ambiguous=tuple(
            replace(t, sources=tuple(origin[p] for p in t.sources)) for t in plan.ambiguous
        ),
        skipped=tuple(
            replace(s, path=origin[s.path]) if s.side == "source" else s for s in plan.skipped
        ),
        reasons={
            (side, origin[path] if side == "source" else path): reason
            for (side, path), reason in plan.reasons.items()
        },
    )
