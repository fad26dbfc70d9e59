"""What is shown does not depend on an order that a file does not keep."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.cli.main import main
from chainer_ft.planning import Rules, by_name, make_plan
from chainer_ft.report.order import in_order
from chainer_ft.report.text import plan_table
from chainer_ft.types import Entry, Listing

SHAPES = {
    "/conv2/W": (4, 3),
    "/conv2/b": (4,),
    "/conv10/W": (2,),
    "/bn/gamma": (3,),
    "/bn/beta": (3,),
    "/bn/N": (),
    "/bn/avg_mean": (3,),
    "/bn/avg_var": (3,),
    "/old/W": (5,),
    "/old/b": (2,),
    "/aux/W": (1,),
}
OTHERS = {**{path: shape for path, shape in SHAPES.items() if "old" not in path}, "/new/W": (9,)}
OTHERS |= {"/conv2/W": (5, 3), "/conv2/b": (5,)}


def stock(paths: list[str], shapes: dict[str, tuple[int, ...]]) -> Listing:
    return Listing(tuple(Entry(path, shapes[path]) for path in paths), "stock.npz", ordered=False)


@given(st.permutations(list(SHAPES)), st.permutations(list(OTHERS)))
def test_the_copy_map_is_the_same_for_every_order(source: list[str], target: list[str]) -> None:
    def table(theirs: list[str], ours: list[str]) -> str:
        sides = stock(theirs, SHAPES), stock(ours, OTHERS)
        return plan_table(make_plan(*sides, by_name.POLICY, Rules.of(skip=["/aux", "/conv10"])))

    assert table(source, target) == table(list(SHAPES), list(OTHERS))


@given(st.permutations(list(SHAPES)))
def test_links_by_name_and_numbers_as_numbers(paths: list[str]) -> None:
    assert [entry.path for entry in in_order(stock(paths, SHAPES))] == [
        "/aux/W",
        "/bn/gamma",
        "/bn/beta",
        "/bn/N",
        "/bn/avg_mean",
        "/bn/avg_var",
        "/conv2/W",
        "/conv2/b",
        "/conv10/W",
        "/old/W",
        "/old/b",
    ]


def test_an_order_that_is_kept_is_the_models_own() -> None:
    listing = Listing.of({"/b/W": (1,), "/b/V": (1,), "/a/W": (1,)})
    assert in_order(listing) == listing.entries


NAMES = st.text("ab01\u0663.9", min_size=1, max_size=6)


@given(st.lists(st.builds("/{}/{}".format, NAMES, NAMES), unique=True))
def test_whatever_the_names(names: list[str]) -> None:
    shown = in_order(stock(names, dict.fromkeys(names, ())))
    assert sorted(entry.path for entry in shown) == sorted(names)
    again = in_order(stock(names[::-1], dict.fromkeys(names, ())))
    assert again == shown
    links = [entry.link for entry in shown]
    assert sum(a != b for a, b in pairwise(links)) == max(len(set(links)) - 1, 0)


def test_a_number_of_thousands_of_digits() -> None:
    names = ["/a" + "9" * 5000, "/a8"]
    assert [e.path for e in in_order(stock(names, dict.fromkeys(names, ())))] == names[::-1]


@pytest.mark.parametrize("verb", ["show a.npz", "diff a.npz b.npz", "convert a.npz c.npz"])
def test_every_verb_shows_that_order(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    said = []
    for paths in (list(SHAPES), list(SHAPES)[::-1]):
        np.savez("a.npz", **{path[1:]: np.ones(SHAPES[path], "f4") for path in paths})
        np.savez("b.npz", **{path[1:]: np.zeros(OTHERS[path], "f4") for path in OTHERS})
        assert main(verb.split()) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
