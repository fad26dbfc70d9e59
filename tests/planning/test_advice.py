"""What to type where a plan copies nothing."""

from __future__ import annotations

import pytest

from chainer_ft.cli.rules import rename
from chainer_ft.planning import Rules, by_name, by_shape, make_plan
from chainer_ft.planning.advice import advice
from chainer_ft.types import Listing, MatchPolicy, Plan

NET = {"/conv1/W": (4, 3, 3, 3), "/conv1/b": (4,), "/fc/W": (2, 4), "/fc/b": (2,)}


def under(prefix: str, **others: tuple[int, ...]) -> Listing:
    return Listing.of({**{prefix + path: shape for path, shape in NET.items()}, **others})


def plan(old: Listing, new: Listing, policy: MatchPolicy = by_name.POLICY, **rules: str) -> Plan:
    return make_plan(old, new, policy, Rules.of(**rules))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("/vgg", "/net/body", "^/vgg/=/net/body/"),
        ("/a.b/c", "/net", r"^/a\.b/c/=/net/"),
        ("/old", "", "^/old/=/"),
        ("", "/new", "^/=/new/"),
    ],
)
def test_a_prefix_that_makes_names_meet(old: str, new: str, rule: str) -> None:
    # an extra on each side, so that the prefix is none of the whole net
    ours, theirs = under(old, **{"/only/x": (9,)}), under(new, **{"/besides/y": (8,)})
    said = advice(plan(ours, theirs))
    assert said.startswith(f"--rename '{rule}' would fill ")
    pattern, replacement = rename(rule)
    tried = make_plan(ours, theirs, by_name.POLICY, Rules.of({pattern: replacement}))
    assert len(tried.pairs) == len(NET)
    assert f"{tried.coverage:.1%}" in said


def test_the_shapes_where_names_do_not_meet() -> None:
    renamed = Listing.of({"/a/W": (4, 3, 3, 3), "/a/b": (4,), "/z/W": (2, 4), "/z/b": (2,)})
    assert advice(plan(Listing.of(NET), renamed)) == (
        "--policy shape would fill 100.0% of the target"
    )


def test_what_was_asked_for_is_not_suggested() -> None:
    other = Listing.of({"/x/W": (7, 7)})
    assert advice(plan(Listing.of(NET), other, by_shape.POLICY)) == ""
    assert advice(plan(Listing.of(NET), other)) == ""


def test_rules_are_kept() -> None:
    renamed = Listing.of({"/a/W": (4, 3, 3, 3), "/a/b": (4,)})
    assert "shape" in advice(plan(Listing.of(NET), renamed))
    assert advice(plan(Listing.of(NET), renamed, skip="/conv1")) == ""


def test_a_rename_that_sends_two_to_one_path_is_not_suggested() -> None:
    old = Listing.of({"/a/fc/W": (2, 4), "/b/fc/W": (9, 9)})
    new = Listing.of({"/b/fc/W": (2, 4)})
    assert advice(plan(old, new)) == "--policy shape would fill 100.0% of the target"
