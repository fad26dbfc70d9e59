"""The shape policy: model order, inserted and dropped links, ties."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import chainer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainer_ft as ft
from chainer_ft.planning import make_plan
from chainer_ft.planning.align import align
from chainer_ft.planning.by_shape import POLICY
from chainer_ft.types import Entry, Listing, Plan


def plan(source: dict, target: dict) -> Plan:  # type: ignore[type-arg]
    return make_plan(Listing.of(source), Listing.of(target), POLICY)


def pairs(made: Plan) -> list[tuple[str, str]]:
    return [(pair.source, pair.target) for pair in made.pairs]


def chain(prefix: str, *sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"/{prefix}{i}/W": size for i, size in enumerate(sizes)}


def test_equal_nets_of_other_names() -> None:
    made = plan(chain("a", (2, 3), (2, 3), (4, 2)), chain("b", (2, 3), (2, 3), (4, 2)))
    assert pairs(made) == [("/a0/W", "/b0/W"), ("/a1/W", "/b1/W"), ("/a2/W", "/b2/W")]


def test_an_inserted_link_shifts_nothing() -> None:
    made = plan(chain("a", (2, 3), (4, 2), (5, 4)), chain("b", (2, 3), (9, 9), (4, 2), (5, 4)))
    assert [target for _, target in pairs(made)] == ["/b0/W", "/b2/W", "/b3/W"]
    assert made.missing == ("/b1/W",)


def test_a_dropped_link_shifts_nothing() -> None:
    made = plan(chain("a", (2, 3), (9, 9), (4, 2)), chain("b", (2, 3), (4, 2)))
    assert [source for source, _ in pairs(made)] == ["/a0/W", "/a2/W"]
    assert made.unexpected == ("/a1/W",)


def test_one_of_two_equal_links_is_ambiguous() -> None:
    made = plan(chain("a", (2, 2)), chain("b", (2, 2), (2, 2)))
    assert made.pairs == ()
    assert made.ambiguous[0].sources == ("/a0/W",)
    assert made.ambiguous[0].targets == ("/b0/W", "/b1/W")
    assert made.coverage == 0.0


def test_a_tie_does_not_spoil_its_neighbours() -> None:
    made = plan(chain("a", (7, 1), (2, 2), (8, 1)), chain("b", (7, 1), (2, 2), (2, 2), (8, 1)))
    assert [target for _, target in pairs(made)] == ["/b0/W", "/b3/W"]
    assert len(made.ambiguous) == 1


def test_order_decides_between_crossing_matches_by_weight() -> None:
    made = plan(chain("a", (2, 2), (50, 2)), chain("b", (50, 2), (2, 2)))
    assert pairs(made) == [("/a1/W", "/b0/W")]


def test_links_are_units_and_types_count() -> None:
    source = Listing((Entry("/a/W", (4, 4), link_type="EmbedID"),))
    target = Listing((Entry("/b/W", (4, 4), link_type="Linear"),))
    assert make_plan(source, target, POLICY).pairs == ()
    made = plan({"/a/W": (4, 4), "/a/b": (4,)}, {"/b/W": (4, 4)})
    assert made.pairs == ()


def test_other_array_names_match_by_shapes_that_occur_once() -> None:
    made = plan({"/a/weight": (4, 3), "/a/bias": (4,)}, {"/b/b": (4,), "/b/W": (4, 3)})
    assert sorted(pairs(made)) == [("/a/bias", "/b/b"), ("/a/weight", "/b/W")]
    assert plan({"/a/p": (4,), "/a/q": (4,)}, {"/b/r": (4,), "/b/s": (4,)}).pairs == ()


def test_empty_sides() -> None:
    assert plan({}, {"/a/W": (2,)}).missing == ("/a/W",)
    assert plan({"/a/W": (2,)}, {}).unexpected == ("/a/W",)


def best_alignments(a: str, b: str, worth: dict[str, int]) -> list[frozenset[tuple[int, int]]]:
    """All alignments of the greatest worth, by trying every one."""
    found: dict[frozenset[tuple[int, int]], int] = {frozenset(): 0}
    for size in range(1, min(len(a), len(b)) + 1):
        for rows in combinations(range(len(a)), size):
            for columns in combinations(range(len(b)), size):
                if all(a[i] == b[j] for i, j in zip(rows, columns, strict=True)):
                    match = frozenset(zip(rows, columns, strict=True))
                    found[match] = sum(worth[a[i]] for i in rows)
    best = max(found.values())
    return [match for match, total in found.items() if total == best]


@given(st.text("xyz", max_size=5), st.text("xyz", max_size=5))
def test_align_against_brute_force(a: str, b: str) -> None:
    """Sure matches are those that every best alignment has; what else any has is a tie."""
    if not a or not b:
        return
    worth = {"x": 1, "y": 2, "z": 4}
    weights = np.array([[worth[k] * (k == c) for c in b] for k in "xyz"])
    sure, ties = align(weights, ["xyz".index(c) for c in a])
    best = best_alignments(a, b, worth)
    assert set(sure) == frozenset.intersection(*best)
    unsure = frozenset.union(*best) - frozenset(sure)
    assert sorted(i for rows, _ in ties for i in rows) == sorted({i for i, _ in unsure})
    assert sorted(j for _, columns in ties for j in columns) == sorted({j for _, j in unsure})


@pytest.mark.parametrize("count", [1, 3])
def test_a_deeper_net_of_equal_blocks_is_a_tie(count: int) -> None:
    made = plan(chain("a", *[(4, 4)] * count), chain("b", *[(4, 4)] * (count + 1)))
    assert made.pairs == ()
    assert len(made.ambiguous) == 1


def test_without_model_order_only_unique_shapes_are_paired() -> None:
    source = Listing(Listing.of(chain("a", (2, 2), (7, 1), (2, 2))).entries, ordered=False)
    target = Listing.of(chain("b", (2, 2), (2, 2), (7, 1)))
    for one, other in ((source, target), (target, source)):
        made = make_plan(one, other, POLICY)
        assert len(made.pairs) == 1
        assert made.source[made.pairs[0].source].shape == (7, 1)
        assert "does not keep the model's order" in made.ambiguous[0].reason


def test_files_of_stock_chainer_have_no_order_and_ours_have(tmp_path: Path) -> None:
    net = chainer.Chain(**{f"conv{i}": chainer.links.Linear(4, 4) for i in range(9)})
    chainer.serializers.save_npz(str(tmp_path / "stock.npz"), net)
    chainer.serializers.save_hdf5(str(tmp_path / "stock.h5"), net)
    for name in ("stock.npz", "stock.h5"):
        with ft.open(tmp_path / name) as stock:
            assert not stock.listing.ordered
    for name in ("ours.npz", "ours.h5"):
        ft.save(tmp_path / name, net)
        other = chainer.Chain(**{f"l{i}": chainer.links.Linear(4, 4) for i in range(9)})
        ft.copy(tmp_path / name, other, policy="shape")
        for i in range(9):
            assert (getattr(net, f"conv{i}").W.array == getattr(other, f"l{i}").W.array).all()
