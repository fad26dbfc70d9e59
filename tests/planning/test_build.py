"""Every entry stands in the plan exactly once, whatever the listings and the policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import PluginError, RuleError
from chainer_ft.planning import Rules, by_name, by_shape, make_plan
from chainer_ft.types import Clash, Entry, Listing, MatchPolicy, Pair, Plan

shapes = st.sampled_from([(), (2,), (3,), (2, 3), (0,), None])
links = st.sampled_from(["/a", "/b", "/c/d", ""])
names = st.sampled_from(["W", "b", "avg_mean"])


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    paths = draw(st.lists(st.tuples(links, names), unique=True, max_size=8))
    entries = []
    for link, name in paths:
        kind = "persistent" if name == "avg_mean" else "param"
        shared = draw(st.sampled_from([None, *[e.path for e in entries if not e.shared_with]]))
        entries.append(Entry(f"{link}/{name}", draw(shapes), None, kind, shared_with=shared))  # type: ignore[arg-type]
    return Listing(tuple(entries))


def accounted(plan: Plan) -> tuple[Counter[str], Counter[str]]:
    source: Counter[str] = Counter(plan.unexpected)
    target: Counter[str] = Counter(plan.missing)
    for one in (*plan.pairs, *plan.incorrect_shapes):
        source[one.source] += 1
        target[one.target] += 1
    for tie in plan.ambiguous:
        source.update(tie.sources)
        target.update(tie.targets)
    for skip in plan.skipped:
        (source if skip.side == "source" else target)[skip.path] += 1
    return source, target


@given(listings(), listings(), st.sampled_from([by_name.POLICY, by_shape.POLICY]), st.booleans())
def test_every_entry_stands_once(
    source: Listing, target: Listing, policy: MatchPolicy, skips: bool
) -> None:
    rules = Rules.of(skip=source.paths[:1] if skips else ())
    try:
        made = make_plan(source, target, policy, rules)
    except RuleError as error:  # a skipped name of an array that another name fills
        assert skips
        assert "is the same array as" in str(error)
        return
    in_source, in_target = accounted(made)
    assert in_source == Counter(source.paths)
    assert in_target == Counter(target.paths)
    assert 0.0 <= made.coverage <= 1.0
    assert str(made).splitlines()[-1].startswith("coverage")
    assert made.to_json()


def proposing(*items: Pair | Clash) -> MatchPolicy:
    def propose(source: Listing, target: Listing) -> Iterable[Pair | Clash]:
        return items

    return MatchPolicy("odd", "for a test", propose)


ONE = Listing.of({"/a/W": (2,), "/b/W": (2,), "/c/W": (3,)})


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ((Pair("/x", "/a/W"),), "proposes source /x but there is no such entry"),
        ((Pair("/a/W", "/x"),), "proposes target /x but there is no such entry"),
        ((Pair("/a/W", "/a/W"), Pair("/b/W", "/a/W")), "proposes target /a/W twice"),
        ((Pair("/a/W", "/a/W"), Pair("/a/W", "/b/W")), "proposes source /a/W twice"),
    ],
)
def test_a_policy_is_checked(pairs: tuple[Pair, ...], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        make_plan(ONE, ONE, proposing(*pairs))


def test_a_pair_of_other_shapes_becomes_a_clash() -> None:
    made = make_plan(ONE, ONE, proposing(Pair("/a/W", "/c/W")))
    assert made.pairs == ()
    assert made.incorrect_shapes == (Clash("/a/W", "/c/W", (2,), (3,)),)


def test_other_names_of_a_filled_array_are_accounted_for() -> None:
    target = Listing((Entry("/a/W", (2,)), Entry("/t/W", (2,), shared_with="/a/W")))
    made = make_plan(Listing.of({"/t/W": (2,)}), target, by_name.POLICY)
    assert [p.target for p in made.pairs] == ["/t/W"]
    assert made.skipped[0].rule == "is the same array as /t/W"
    assert made.coverage == 1.0
