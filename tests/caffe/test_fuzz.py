"""Damaged nets: whatever is changed in a real prototxt, it builds or says what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from golden import GOLDEN
from hypothesis import given, settings
from hypothesis import strategies as st

from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import parse_net, parse_solver
from chainer_ft.errors import ChainerFTError

FILES = GOLDEN / "files"
NAMES = ["net.prototxt", "e_net.prototxt", "f_net.prototxt", "v0.prototxt", "v1.prototxt"]
TOKEN = re.compile(r'"[^"]*"|[\w.+-]+|[^\s\w]')
STRAYS = ["{", "}", ":", '"', '"x"', "0", "-1", "1e9", "4294967295", "true", "MAX", "layer"]
STRAYS += ["axis", "nan", "kernel_size", "bottom", "top", "name", "99999999999999999999"]


def tokens(name: str) -> list[str]:
    path = FILES / name
    return TOKEN.findall(path.read_text()) if path.is_file() else []


@st.composite
def damaged(draw: st.DrawFn, names: list[str]) -> str:
    """A real prototxt with some tokens changed."""
    words = list(tokens(draw(st.sampled_from(names))))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(words) - 1, 0)))
        kind = draw(st.sampled_from(["delete", "insert", "replace", "swap", "cut"]))
        if kind == "delete":
            del words[at : at + 1]
        elif kind == "cut":
            words = words[:at]
        elif kind == "swap" and words:
            other = draw(st.integers(0, len(words) - 1))
            words[at], words[other] = words[other], words[at]
        else:
            words[at : at + (kind == "replace")] = [draw(st.sampled_from(STRAYS))]
    return " ".join(words)


@pytest.mark.skipif(not FILES.is_dir(), reason="needs the real files")
@settings(max_examples=300, deadline=None)
@given(damaged(NAMES), st.sampled_from(["TRAIN", "TEST"]))
def test_a_damaged_net_builds_or_is_refused(text: str, phase: str) -> None:
    try:
        Net(parse_net(text, "fuzz"), phase=phase)
    except ChainerFTError as error:
        assert re.match(r"fuzz:\d+:\d+: ", str(error)), str(error)


@pytest.mark.skipif(not FILES.is_dir(), reason="needs the real files")
@settings(max_examples=100, deadline=None)
@given(damaged(["solver.prototxt", "e_solver.prototxt", "f_solver.prototxt"]))
def test_a_damaged_solver_is_read_or_refused(text: str) -> None:
    try:
        parse_solver(text, "fuzz")
    except ChainerFTError as error:
        assert re.match(r"fuzz:\d+:\d+: ", str(error)), str(error)


def test_the_files_are_there(shared: Path) -> None:
    assert all(tokens(name) for name in NAMES)
