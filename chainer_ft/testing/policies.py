"""What every policy must do."""

from __future__ import annotations

from itertools import product

from chainer_ft.errors import PluginError
from chainer_ft.planning import make_plan
from chainer_ft.types import Clash, Listing, MatchPolicy, Pair, Plan, Tie

_LISTINGS = {
    "no link": Listing(()),
    "one link": Listing.of({"/fc/W": (2, 3), "/fc/b": (2,)}),
    "the same link of another size": Listing.of({"/fc/W": (5, 3), "/fc/b": (5,)}),
    "a link without bias": Listing.of({"/fc/W": (2, 3)}),
    "a lazy link": Listing.of({"/fc/W": None, "/fc/b": (2,)}),
    "three layers": Listing.of(
        {"/conv1/W": (4, 3, 3, 3), "/conv1/b": (4,), "/conv2/W": (4, 4, 3, 3), "/fc/W": (2, 4)}
    ),
    "equal twins": Listing.of({"/a/W": (2, 3), "/b/W": (2, 3)}),
    "namesakes": Listing.of({"/a/fc/W": (2, 3), "/b/fc/W": (2, 3)}),
    "arrays of the root": Listing.of({"/W": (2, 3), "/b": (2,)}),
}


def check_policy(policy: MatchPolicy) -> None:
    """Check a policy on small listings, each with each.

    Args:
        policy: The policy.

    Raises:
        AssertionError: A rule is broken; says which, and on which listings.
    """
    assert isinstance(policy, MatchPolicy), f"{policy!r} is not a MatchPolicy"
    for (a, source), (b, target) in product(_LISTINGS.items(), repeat=2):
        try:
            _check(policy, source, target)
        except AssertionError as error:
            raise AssertionError(f"{a} -> {b}: {error}") from error


def _check(policy: MatchPolicy, source: Listing, target: Listing) -> None:
    try:
        found = list(policy.propose(source, target))
    except Exception as error:
        raise AssertionError(f"propose raises nothing, whatever it is given: {error!r}") from error
    for one in found:
        assert isinstance(one, (Pair, Tie, Clash)), f"propose yields Pair and Tie, not {one!r}"
    again = list(policy.propose(source, target))
    assert found == again, "propose gives the same answer to the same question"
    try:
        _check_once(make_plan(source, target, policy))
    except PluginError as error:
        raise AssertionError(f"each entry is proposed once, and exists: {error}") from error


def _check_once(plan: Plan) -> None:
    """A link is copied whole: no parameter of it is left behind."""
    filled = {plan.target[pair.target].link for pair in plan.pairs}
    clashing = {plan.target[clash.target].link for clash in plan.incorrect_shapes}
    halves = sorted(filled & clashing)
    assert not halves, (
        f"links are copied whole, but of {', '.join(halves)} a part has another shape"
    )
