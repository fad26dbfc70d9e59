"""``last(n)``: the head of a model, in its own order."""

from __future__ import annotations

import pytest

from chainer_ft.errors import RuleError
from chainer_ft.select import Site, all_but, last, parse, text_of

SITES = [
    Site("/", None),
    Site("/zeta", None, "/zeta"),
    Site("/zeta/W", None, "/zeta"),
    Site("/block", None),
    Site("/block/fc", None, "/block/fc"),
    Site("/block/fc/W", None, "/block/fc"),
    Site("/alpha", None, "/alpha"),
    Site("/alpha/W", None, "/alpha"),
]


def test_it_counts_layers_from_the_end_of_the_model() -> None:
    assert last(1).select(SITES) == {"/alpha", "/alpha/W"}
    assert last(2).select(SITES) == {"/alpha", "/alpha/W", "/block/fc", "/block/fc/W"}


def test_all_but_the_last_is_the_body() -> None:
    body = {"/zeta", "/zeta/W", "/block", "/block/fc", "/block/fc/W"}
    assert all_but(last(1)).select(SITES) == body


@pytest.mark.parametrize("count", [0, 4, -1])
def test_a_model_has_only_so_many_layers(count: int) -> None:
    with pytest.raises(RuleError, match=r"last\(-?\d\): the model has 3 layers .* 1 to 3"):
        last(count).select(SITES)


def test_it_is_written_as_it_is_read() -> None:
    assert text_of(parse("all_but(last(2))")) == "all_but(last(2))"
    with pytest.raises(RuleError, match="'one' is no number of layers"):
        parse("last(one)")
