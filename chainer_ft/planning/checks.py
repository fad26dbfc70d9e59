"""Whether a plan may be applied: zero coverage, the floor, strict."""

from __future__ import annotations

from chainer_ft.errors import CoverageError, NothingMatchedError, StrictError, UsageError
from chainer_ft.planning.advice import advice
from chainer_ft.select import nearest
from chainer_ft.types import Entry, Plan


def check(plan: Plan, min_coverage: float = 0.0, strict: bool = False) -> None:
    """Raise unless the plan may be applied.

    Args:
        plan: The plan.
        min_coverage: Least share of the target's parameters to fill, 0.0 to 1.0.
        strict: Every target entry must be filled and every source entry used; what a rule
            skips, and counters such as ``N``, are exempt.

    Raises:
        NothingMatchedError: Not one parameter would be filled.
        CoverageError: The plan is under the floor.
        StrictError: Something is left over.
    """
    checked_floor(min_coverage)
    if (plan.target.entries and plan.coverage == 0.0) or _is_void(plan):
        raise NothingMatchedError(_nothing(plan))
    if plan.coverage < min_coverage:
        raise CoverageError(
            f"{plan.source.origin} fills {plan.coverage:.1%} of {plan.target.origin}, under the "
            f"floor of {min_coverage:.1%}; see what is missing with `chainer-ft plan`"
        )
    if strict:
        _check_strict(plan)


def checked_floor(share: float) -> float:
    """The share, which may be a coverage floor.

    Raises:
        UsageError: It is not from 0.0 to 1.0.

    Example:
        >>> checked_floor(0.9)
        0.9
    """
    if not 0.0 <= share <= 1.0:
        raise UsageError(f"the coverage floor is from 0.0 to 1.0, not {share}")
    return share


def _is_void(plan: Plan) -> bool:
    return not plan.pairs and bool(plan.source.entries or plan.target.entries)


def _nothing(plan: Plan) -> str:
    line = f"nothing in {plan.source.origin} matches {plan.target.origin}"
    if plan.ambiguous and not plan.incorrect_shapes:
        return f"{line} without doubt: {plan.ambiguous[0].reason}"
    return f"{line}{_first_reason(plan)}; {advice(plan) or 'see all of it with `chainer-ft plan`'}"


def _first_reason(plan: Plan) -> str:
    if plan.incorrect_shapes:
        clash = plan.incorrect_shapes[0]
        return f": {clash.target} is {clash.source_shape} there, {clash.target_shape} here"
    if plan.missing and plan.unexpected:
        hint = nearest(plan.missing[0], plan.unexpected)
        return f": {plan.missing[0]} is not there ({hint})"
    return ""


def _check_strict(plan: Plan) -> None:
    missing = [p for p in plan.missing if not _is_exempt(plan.target[p])]
    unused = [p for p in plan.unexpected if not _is_exempt(plan.source[p])]
    clashes = [c.target for c in plan.incorrect_shapes]
    ties = [p for tie in plan.ambiguous for p in tie.targets]
    found = {"missing": missing, "unexpected": unused, "shape": clashes, "ambiguous": ties}
    left = [f"{word}: {_some(paths)}" for word, paths in found.items() if paths]
    if left:
        raise StrictError(
            f"strict, but entries are left over ({'; '.join(left)}); --skip what may stay, "
            "--rename what belongs together, or leave --strict out"
        )


def _is_exempt(entry: Entry) -> bool:
    return entry.is_counter or entry.is_no_array


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + more
