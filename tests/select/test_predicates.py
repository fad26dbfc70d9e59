"""What selections hit, how they read, and what they say when they hit nothing."""

from __future__ import annotations

import re
from typing import Any

import chainer
import pytest
from chainer import links as L  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import RuleError
from chainer_ft.select import Predicate, all_but, first, predicate, until
from chainer_ft.training.sites import select, sites


def model() -> chainer.Chain:
    net = chainer.Chain()
    with net.init_scope():
        net.conv1 = L.Convolution2D(3, 2, 3)
        net.bn1 = L.BatchNormalization(2)
        net.conv10 = L.Convolution2D(2, 2, 3)
        net.res = chainer.Chain(a=L.Convolution2D(2, 2, 1), bn=L.BatchNormalization(2))
        net.fc8 = L.Linear(2, 2)
    return net


NET = model()
CONV1 = {"/conv1", "/conv1/W", "/conv1/b"}
BN1 = {"/bn1", "/bn1/gamma", "/bn1/beta"}
CONV10 = {"/conv10", "/conv10/W", "/conv10/b"}
RES = {"/res", "/res/a", "/res/a/W", "/res/a/b", "/res/bn", "/res/bn/gamma", "/res/bn/beta"}
FC8 = {"/fc8", "/fc8/W", "/fc8/b"}


@pytest.mark.parametrize(
    ("selection", "hit"),
    [
        ("/conv1", CONV1),
        ("/conv*", CONV1 | CONV10),
        ("/*/W", {"/conv1/W", "/conv10/W", "/fc8/W"}),
        ("/res/**", RES - {"/res"}),
        (re.compile("/conv1"), CONV1),
        (re.compile("/conv.*/W"), {"/conv1/W", "/conv10/W"}),
        (L.BatchNormalization, BN1 | {"/res/bn", "/res/bn/gamma", "/res/bn/beta"}),
        (lambda path, value: path.endswith("b"), {"/conv1/b", "/conv10/b", "/res/a/b", "/fc8/b"}),
        (lambda path, value: isinstance(value, L.Linear), FC8),
        (NET.conv1, CONV1),
        (NET.conv1.W, {"/conv1/W"}),
        (first(2), CONV1 | BN1),
        (until("/conv10"), CONV1 | BN1 | CONV10),
        (until("/res"), CONV1 | BN1 | CONV10 | RES),
        (all_but("/fc8"), CONV1 | BN1 | CONV10 | RES),
        (all_but("/fc8", "/res/a/W"), CONV1 | BN1 | CONV10 | RES - {"/res", "/res/a", "/res/a/W"}),
        (["/conv1", L.Linear, first(2)], CONV1 | BN1 | FC8),
        (("/conv1", ["/fc8"]), CONV1 | FC8),
    ],
)
def test_hits(selection: Any, hit: set[str]) -> None:
    assert select(NET, [selection]) == hit


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        ("/conv*", "'/conv*'"),
        (re.compile("/conv[12]"), "re.compile('/conv[12]')"),
        (L.BatchNormalization, "BatchNormalization"),
        (first(5), "first(5)"),
        (until("/pool3"), "until('/pool3')"),
        (all_but("/fc8", "/fc7"), "all_but('/fc8', '/fc7')"),
        (["/a", first(1)], "['/a', first(1)]"),
        (["/a"], "'/a'"),
        (len, "len"),
        (NET.conv1, "<Convolution2D conv1>"),
        (NET.conv1.W, "<Parameter W>"),
    ],
)
def test_reads_as_it_was_written(selection: Any, text: str) -> None:
    assert repr(predicate(selection)) == text
    assert isinstance(predicate(selection), Predicate)
    assert predicate(predicate(selection)) == predicate(selection)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("/conv2", "'/conv2' hits nothing; nearest: /conv1"),
        (re.compile("conv1"), "re.compile('conv1') hits nothing; it has to match a whole path"),
        (L.LSTM, "LSTM hits nothing; the model is made of Chain, Convolution2D, Parameter"),
        (lambda path, value: False, "as f(path, link_or_param)"),
        (L.Linear(2, 2), "this object is not in the model"),
        (first(0), "first(0): the model has 6 layers with arrays; give 1 to 6"),
        (first(7), "give 1 to 6"),
        (until("/pool3"), "'/pool3' hits nothing"),
        (all_but("/typo"), "'/typo' hits nothing"),
        (all_but("/**"), "hits nothing"),
        (["/conv1", "/typo"], "'/typo' hits nothing"),
        ([], "an empty list selects nothing"),
        (3, "3 selects nothing: give a glob like '/conv*'"),
        ("/conv[z-a]", "'/conv[z-a]' is no pattern"),
    ],
)
def test_an_error_says_what_to_type(selection: Any, message: str) -> None:
    with pytest.raises(RuleError, match=re.escape(message)):
        select(NET, [selection])


def test_sites_stand_in_the_models_order() -> None:
    paths = [site.path for site in sites(NET)]
    assert paths[:6] == ["/", "/conv1", "/conv1/W", "/conv1/b", "/bn1", "/bn1/gamma"]
    assert paths.index("/res/bn") < paths.index("/fc8")


@given(st.sets(st.sampled_from([s.path for s in sites(NET) if s.path != "/"]), min_size=1))
def test_all_but_is_the_rest(paths: set[str]) -> None:
    hit = select(NET, list(paths))
    everything = {site.path for site in sites(NET)}
    params = {s.path for s in sites(NET) if isinstance(s.value, chainer.Parameter)}
    try:
        rest = select(NET, [all_but(*paths)])
    except RuleError:
        rest = frozenset()
    assert not rest & hit
    assert params <= rest | hit <= everything
