"""Coverage counts elements, once each."""

from __future__ import annotations

from chainer_ft.planning import by_name, make_plan
from chainer_ft.planning.coverage import counts
from chainer_ft.types import Entry, Listing


def test_elements_not_arrays() -> None:
    target = Listing.of({"/big/W": (90,), "/small/W": (10,)})
    made = make_plan(Listing.of({"/big/W": (90,)}), target, by_name.POLICY)
    assert made.coverage == 0.9
    assert made.coverage_of("/small") == 0.0
    assert made.coverage_of("/big") == 1.0


def test_persistents_do_not_count() -> None:
    target = Listing((Entry("/W", (2,)), Entry("/mean", (98,), kind="persistent")))
    made = make_plan(Listing.of({"/W": (2,), "/mean": (98,)}), target, by_name.POLICY)
    assert counts(made) == (2, 2)


def test_an_unfilled_lazy_parameter_keeps_it_below_one() -> None:
    target = Listing((Entry("/a/W", (9,)), Entry("/fc/W", None)))
    made = make_plan(Listing.of({"/a/W": (9,)}), target, by_name.POLICY)
    assert counts(made) == (9, 10)


def test_a_shared_parameter_counts_once() -> None:
    target = Listing((Entry("/a/W", (4,)), Entry("/b/W", (4,), shared_with="/a/W")))
    made = make_plan(Listing.of({"/a/W": (4,), "/b/W": (4,)}), target, by_name.POLICY)
    assert counts(made) == (4, 4)


def test_nothing_to_fill_is_all_filled() -> None:
    assert make_plan(Listing(()), Listing(()), by_name.POLICY).coverage == 1.0
