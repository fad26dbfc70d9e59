"""Selections as text and back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from chainer import links as L  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import RuleError
from chainer_ft.select import all_but, first, parse, predicate, text_of, until


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        ("/conv*", "/conv*"),
        (first(5), "first(5)"),
        (until("/pool3"), "until(/pool3)"),
        (all_but("/fc8", until("/a")), "all_but(/fc8, until(/a))"),
        (re.compile("/conv(1|2)"), "regex(/conv(1|2))"),
        (L.BatchNormalization, "type(BatchNormalization)"),
        (["/fc8"], "/fc8"),
    ],
)
def test_there_and_back(selection: Any, text: str) -> None:
    assert text_of(predicate(selection)) == text
    assert text_of(parse(text)) == text


@pytest.mark.parametrize("selection", [len, L.Linear(2, 2), ["/a", "/b"]])
def test_what_has_no_text(selection: Any) -> None:
    with pytest.raises(RuleError, match="cannot be written as text"):
        text_of(predicate(selection))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first(x)", "'x' is no number of layers"),
        ("first(-1)", "'-1' is no number"),
        ("first()", "selects nothing"),
        ("regex(()", "is no regular expression"),
        ("all_but( , )", "an empty list selects nothing"),
    ],
)
def test_what_is_no_selection(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=re.escape(message)):
        parse(text)


@given(st.text(max_size=40))
def test_any_text_is_a_selection_or_an_error_that_says_so(text: str) -> None:
    try:
        parsed = parse(text)
    except RuleError:
        return
    again = text_of(parsed)
    assert text_of(parse(again)) == again


def test_brackets_of_a_pattern_hide_a_comma_and_one_another() -> None:
    text = "all_but(/a[[]0], /b[,]c, until(/d))"
    assert repr(parse(text)) == "all_but('/a[[]0]', '/b[,]c', until('/d'))"
