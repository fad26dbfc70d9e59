"""What a policy proposes, checked entry by entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from chainer_ft.errors import PluginError
from chainer_ft.planning.fit import castable, pair, same_shape
from chainer_ft.types import Clash, Listing, MatchPolicy, Pair, Skip, Tie


@dataclass(frozen=True)
class Sides:
    """What a policy is shown."""

    source: Listing
    target: Listing

    def without(self, skipped: Iterable[Skip]) -> Sides:
        """The same without what rules leave out."""
        gone = {(s.side, s.path) for s in skipped}
        return Sides(
            self.source.where(p for p in self.source.paths if ("source", p) not in gone),
            self.target.where(p for p in self.target.paths if ("target", p) not in gone),
        )


@dataclass
class Found:
    """What a policy proposes.

    Args:
        pairs: Partners whose shapes agree.
        clashes: Partners whose shapes do not.
        ties: Links that have several.
        sources: Source paths in any of these.
        targets: Target paths in any of these.
    """

    pairs: list[Pair] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)


def collect(policy: MatchPolicy, shown: Sides) -> Found:
    """Ask the policy, and check each answer.

    Raises:
        PluginError: It proposes what it was not shown, or one entry twice.
    """
    found = Found()
    for item in policy.propose(shown.source, shown.target):
        if isinstance(item, Tie):
            _claim(policy, shown, found, item.sources, item.targets)
            found.ties.append(item)
            continue
        _claim(policy, shown, found, (item.source,), (item.target,))
        checked = _checked(item, shown)
        if isinstance(checked, Pair):
            found.pairs.append(checked)
        else:
            found.clashes.append(checked)
    return found


def _claim(
    policy: MatchPolicy,
    shown: Sides,
    found: Found,
    sources: Iterable[str],
    targets: Iterable[str],
) -> None:
    for side, paths, listing, claimed in (
        ("source", sources, shown.source, found.sources),
        ("target", targets, shown.target, found.targets),
    ):
        for path in paths:
            if path not in listing or path in claimed:
                what = "twice" if path in claimed else "but there is no such entry"
                raise PluginError(f"policy {policy.name!r} proposes {side} {path} {what}")
            claimed.add(path)


def _checked(item: Pair | Clash, shown: Sides) -> Pair | Clash:
    """A pair whose shapes agree, with its cast named; anything else is a clash."""
    a, b = shown.source[item.source], shown.target[item.target]
    if isinstance(item, Clash) or not same_shape(a, b) or not castable(a, b):
        return Clash(a.path, b.path, a.shape, b.shape or b.partial_shape)
    return replace(pair(a, b, item.reason), transforms=item.transforms or pair(a, b).transforms)
