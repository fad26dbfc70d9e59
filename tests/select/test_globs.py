"""Globs, nearest paths, and rules that hit nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import RuleError
from chainer_ft.select import Glob, escaped, hits, nearest


@pytest.mark.parametrize(
    ("pattern", "path", "hit"),
    [
        ("/fc8", "/fc8/W", True),
        ("/fc8", "/fc8", True),
        ("/fc8", "/fc80/W", False),
        ("fc8", "/fc8/W", True),
        ("/conv*", "/conv1_1/W", True),
        ("/conv*", "/block/conv1/W", False),
        ("/*/W", "/conv1/W", True),
        ("/*/W", "/block/conv1/W", False),
        ("/**/W", "/block/conv1/W", True),
        ("/**/W", "/W", True),
        ("/res2/**", "/res2/a/W", True),
        ("/res2/**", "/res20/a/W", False),
        ("/conv[12]", "/conv2/b", True),
        ("/conv[!12]", "/conv2/b", False),
        ("/conv?", "/conv12/b", False),
        ("/a.c", "/abc", False),
        ("/1+1", "/1+1/W", True),
    ],
)
def test_glob(pattern: str, path: str, hit: bool) -> None:
    assert Glob(pattern).matches(path) is hit


@given(st.lists(st.sampled_from(["a", "b1", "x.y", "c+"]), min_size=1, max_size=4))
def test_a_path_is_a_glob_of_itself(names: list[str]) -> None:
    path = "/" + "/".join(names)
    assert Glob(path).matches(path)
    assert Glob(path).matches(path + "/W")
    assert not Glob(path).matches(path + "x")


def test_hits_nothing_names_the_nearest() -> None:
    with pytest.raises(RuleError, match=r"skip '/conv9' hits nothing; nearest: /conv1/W"):
        hits("/conv9", ["/conv1/W", "/fc/W"], "skip")


def test_nearest_of_nothing() -> None:
    assert nearest("/x", []) == "there are no paths at all"


def test_a_pattern_that_is_none() -> None:
    with pytest.raises(RuleError, match=r"'/\[z-a\]' is no pattern"):
        hits("/[z-a]", ["/a"], "skip")
    assert Glob("/[[]x").matches("/[x")
    assert Glob("/[!a]").matches("/b")


@pytest.mark.parametrize("path", ["/a[0]/W", "/a*", "/what?", "/[!a]", "/a]b[", "/plain/0"])
def test_an_escaped_path_hits_itself_and_nothing_else(path: str) -> None:
    others = ["/a0/W", "/ab", "/whatx", "/b", "/a", "/plain/1"]
    assert hits(escaped(path), [path, *others], "rule") == {path}
