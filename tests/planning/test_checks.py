"""Zero coverage, the floor, strict."""

from __future__ import annotations

import numpy as np
import pytest

from chainer_ft.errors import CoverageError, NothingMatchedError, StrictError, UsageError
from chainer_ft.planning import by_name, by_shape, check, make_plan
from chainer_ft.types import Entry, Listing, MatchPolicy, Plan


def plan(source: dict, target: dict, policy: MatchPolicy = by_name.POLICY) -> Plan:  # type: ignore[type-arg]
    return make_plan(Listing.of(source, "old.npz"), Listing.of(target, "new.npz"), policy)


def test_nothing_matched_is_an_error_with_a_hint() -> None:
    with pytest.raises(NothingMatchedError, match=r"/conv1/W is not there \(nearest: /conv_1/W\)"):
        check(plan({"/conv_1/W": (2,)}, {"/conv1/W": (2,)}))


def test_nothing_matched_names_the_clash() -> None:
    with pytest.raises(NothingMatchedError, match=r"/fc/W is \(2,\) there, \(3,\) here"):
        check(plan({"/fc/W": (2,)}, {"/fc/W": (3,)}))


def test_nothing_matched_names_the_tie() -> None:
    with pytest.raises(NothingMatchedError, match="model order does not decide"):
        check(plan({"/a/W": (2,)}, {"/b/W": (2,), "/c/W": (2,)}, by_shape.POLICY))


def test_nothing_matched_suggests_the_policy_that_would_help() -> None:
    with pytest.raises(NothingMatchedError, match=r"here; --policy shape would fill 60.0% of"):
        check(plan({"/a/W": (2,), "/b/W": (3,)}, {"/a/W": (3,), "/b/W": (2,)}))
    with pytest.raises(NothingMatchedError, match=r"here; see all of it with `chainer-ft plan`$"):
        check(plan({"/fc/W": (2,)}, {"/fc/W": (3,)}))


def test_persistents_alone_are_nothing() -> None:
    target = Listing((Entry("/fc/W", (2,)), Entry("/mean", (3,), np.dtype("f4"), "persistent")))
    source = Listing((Entry("/mean", (3,), np.dtype("f4"), "persistent"),))
    with pytest.raises(NothingMatchedError):
        check(make_plan(source, target, by_name.POLICY))


def test_a_model_without_arrays_may_be_copied() -> None:
    empty = plan({}, {})
    check(empty, min_coverage=1.0, strict=True)
    assert (empty.coverage, empty.pairs) == (1.0, ())


def test_the_floor() -> None:
    half = plan({"/a/W": (2,)}, {"/a/W": (2,), "/b/W": (2,)})
    check(half, min_coverage=0.5)
    with pytest.raises(CoverageError, match=r"fills 50.0% of new.npz, under the floor of 50.1%"):
        check(half, min_coverage=0.501)
    with pytest.raises(UsageError, match=r"from 0.0 to 1.0, not 50"):
        check(half, min_coverage=50)


def test_strict_wants_both_sides() -> None:
    check(plan({"/a/W": (2,)}, {"/a/W": (2,)}), strict=True)
    with pytest.raises(StrictError, match=r"missing: /b/W.*; --skip what may stay"):
        check(plan({"/a/W": (2,)}, {"/a/W": (2,), "/b/W": (2,)}), strict=True)
    with pytest.raises(StrictError, match="unexpected: /b/W"):
        check(plan({"/a/W": (2,), "/b/W": (2,)}, {"/a/W": (2,)}), strict=True)
    many = {f"/l{i}/W": (2,) for i in range(6)}
    with pytest.raises(StrictError, match=r"/l0/W, /l1/W, /l2/W and 3 more"):
        check(plan({"/a/W": (2,), **many}, {"/a/W": (2,)}), strict=True)


def test_strict_exempts_counters() -> None:
    counter = Entry("/N", (), np.dtype("i8"), "persistent")
    target = Listing((Entry("/W", (2,)), counter))
    source = Listing.of({"/W": (2,)})
    check(make_plan(source, target, by_name.POLICY), strict=True)
    other = Listing((*target, Entry("/bn/mean", (2,), np.dtype("i8"), "persistent")))
    with pytest.raises(StrictError, match=r"missing: /bn/mean\)"):
        check(make_plan(source, other, by_name.POLICY), strict=True)
