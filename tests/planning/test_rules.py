"""Rename, skip, only: each must hit something."""

from __future__ import annotations

import pytest

from chainer_ft.errors import RuleError
from chainer_ft.planning import Rules, make_plan
from chainer_ft.planning.by_name import POLICY
from chainer_ft.planning.rules import renamed
from chainer_ft.types import Listing

SOURCE = Listing.of({"/conv1/W": (8, 3), "/fc8/W": (10, 8), "/fc8/b": (10,)})
TARGET = Listing.of({"/conv1/W": (8, 3), "/score/W": (10, 8), "/score/b": (10,)})


def test_rename_makes_a_match_and_the_plan_keeps_the_file_paths() -> None:
    made = make_plan(SOURCE, TARGET, POLICY, Rules.of(rename={"^/fc8/": "/score/"}))
    assert [(p.source, p.target) for p in made.pairs][1] == ("/fc8/W", "/score/W")
    assert made.renamed == {"/fc8/W": "/score/W", "/fc8/b": "/score/b"}
    assert made.coverage == 1.0


def test_renames_apply_one_after_the_other() -> None:
    listing, origin = renamed(SOURCE, Rules.of(rename=[("fc8", "x"), ("^/x/", "/y/")]))
    assert listing.paths == ("/conv1/W", "/y/W", "/y/b")
    assert origin["/y/W"] == "/fc8/W"


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"^/fc9/": "/x/"}, r"'\^/fc9/' -> '/x/' hits nothing; nearest: /fc8/"),
        ({"(": "x"}, "not a regular expression"),
        ({"fc8": r"\2"}, "not a regular expression"),
        ({"^/fc8/": ""}, "'W', which is not a path"),
        ({"/W$": "/"}, "which is not a path"),
        ({"/[Wb]$": "/same"}, "sends both /fc8/W and /fc8/b to /fc8/same"),
    ],
)
def test_a_bad_rename_is_an_error(rename: dict[str, str], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        renamed(SOURCE, Rules.of(rename=rename))


def test_skip_leaves_out_on_both_sides() -> None:
    made = make_plan(SOURCE, SOURCE, POLICY, Rules.of(skip="/fc8"))
    assert [p.target for p in made.pairs] == ["/conv1/W"]
    assert {(s.side, s.path, s.rule) for s in made.skipped} == {
        (side, path, "skip /fc8") for side in ("source", "target") for path in ("/fc8/W", "/fc8/b")
    }
    assert made.missing == made.unexpected == ()


def test_only_leaves_the_rest_out() -> None:
    made = make_plan(SOURCE, SOURCE, POLICY, Rules.of(only=["/conv*"]))
    assert [p.target for p in made.pairs] == ["/conv1/W"]
    assert all(skip.rule == "only /conv*" for skip in made.skipped)


@pytest.mark.parametrize("rules", [Rules.of(skip="/fc9"), Rules.of(only=["/conv1", "/typo"])])
def test_a_glob_that_hits_nothing_is_an_error(rules: Rules) -> None:
    with pytest.raises(RuleError, match="hits nothing; nearest"):
        make_plan(SOURCE, TARGET, POLICY, rules)


def test_skip_sees_renamed_paths_and_reports_file_paths() -> None:
    rules = Rules.of(rename={"^/fc8/": "/score/"}, skip="/score")
    made = make_plan(SOURCE, TARGET, POLICY, rules)
    assert {s.path for s in made.skipped if s.side == "source"} == {"/fc8/W", "/fc8/b"}
