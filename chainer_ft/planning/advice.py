"""What to type where a plan copies nothing: the rename or the policy that would."""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict

from chainer_ft.errors import RuleError
from chainer_ft.planning import by_name, by_shape
from chainer_ft.planning.build import make_plan
from chainer_ft.planning.rules import Rules
from chainer_ft.types import Entry, Listing, MatchPolicy, Plan

_MOST = 50  # targets a source entry is compared with; many blocks have links of one name


def advice(plan: Plan) -> str:
    """The option that would fill most of the target, tried out; empty where none would.

    Example:
        >>> old, new = Listing.of({"/vgg/fc/W": (2, 3)}), Listing.of({"/net/body/fc/W": (2, 3)})
        >>> advice(make_plan(old, new, by_name.POLICY))
        "--rename '^/vgg/=/net/body/' would fill 100.0% of the target"
    """
    found = {}
    if plan.policy == by_name.POLICY.name and not plan.renamed:
        found = {
            _option(old, new): _filled(plan, by_name.POLICY, old, new) for old, new in _best(plan)
        }
    if plan.policy != by_shape.POLICY.name:
        found["--policy shape"] = _filled(plan, by_shape.POLICY)
    option = max(found, key=lambda one: found[one], default="")
    return f"{option} would fill {found[option]:.1%} of the target" if found.get(option) else ""


def _filled(plan: Plan, policy: MatchPolicy, old: str = "", new: str = "") -> float:
    """Coverage of a plan of what no rule leaves out."""
    rules = Rules.of([(old, new)] if old else ())
    try:
        return make_plan(*_sides(plan), policy, rules).coverage
    except RuleError:  # two arrays under one name
        return 0.0


def _sides(plan: Plan) -> tuple[Listing, Listing]:
    gone = {(skip.side, skip.path) for skip in plan.skipped}
    source = plan.source.where(p for p in plan.source.paths if ("source", p) not in gone)
    return source, plan.target.where(p for p in plan.target.paths if ("target", p) not in gone)


def _best(plan: Plan) -> list[tuple[str, str]]:
    """The rename of a prefix under which most entries of equal names and shapes would meet."""
    source, target = _sides(plan)
    alike = defaultdict(list)
    for entry in target:
        alike[_key(entry)].append(entry.path)
    votes = Counter(
        _prefixes(entry.path, path) for entry in source for path in alike[_key(entry)][:_MOST]
    )
    return [(f"^{re.escape(old)}/", f"{new}/") for (old, new), _ in votes.most_common(1)]


def _key(entry: Entry) -> object:
    return entry.link.rpartition("/")[2], entry.name, entry.shape


def _prefixes(source: str, target: str) -> tuple[str, str]:
    """What two paths begin with before the part in which they agree.

    Example:
        >>> _prefixes("/old/fc/W", "/net/body/fc/W")
        ('/old', '/net/body')
    """
    ours, theirs = source.split("/"), target.split("/")
    while len(ours) > 1 and len(theirs) > 1 and ours[-1] == theirs[-1]:
        ours.pop()
        theirs.pop()
    return "/".join(ours), "/".join(theirs)


def _option(old: str, new: str) -> str:
    return f"--rename {shlex.quote(f'{old}={new}')}"
