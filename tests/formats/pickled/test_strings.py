"""Strings that stand for names, and for the bytes of arrays, whole and in pieces."""

from __future__ import annotations

import codecs
import pickle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled import strings
from chainer_ft.formats.pickled.machine import Machine
from chainer_ft.formats.pickled.records import Raw
from chainer_ft.formats.pickled.strings import pieces, short_text


@pytest.fixture(params=[1, 2, 3, 4, 5, 7, 64])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """So short that every escape and every letter is cut somewhere."""
    monkeypatch.setattr(strings, "_PIECE", max(request.param, strings._LONGEST_ESCAPE))
    return max(request.param, strings._LONGEST_ESCAPE)


def joined(stored: bytes, coding: str, as_latin1: bool = False) -> bytes:
    raw = Raw(3, 3 + len(stored), coding)  # type: ignore[arg-type]
    return b"".join(pieces(b"xyz" + stored + b"rest", raw, as_latin1, "x.pkl::/W"))


@given(content=st.binary(max_size=100))
@settings(max_examples=60, deadline=None)
@example(content=b"\\" * 40)
@example(content=b"\n'\"\\x41\\101\t\r")
def test_python_2_strings(content: bytes) -> None:
    """``repr`` of a str, as protocol 0 wrote it, cut at every place."""
    stored = bytes(codecs.escape_encode(content)[0])
    before = strings._PIECE
    try:
        for size in (4, 5, 6, 7, 64, 1 << 20):
            strings._PIECE = size
            assert joined(stored, "escaped") == content
    finally:
        strings._PIECE = before


def test_octal_escapes(piece: int) -> None:
    """Nobody writes them, and they are strings all the same."""
    stored = rb"\101\7\12a\0\377\\101\x41" * 20
    assert joined(stored, "escaped") == codecs.escape_decode(stored)[0]


@given(content=st.binary(max_size=100))
@settings(max_examples=60, deadline=None)
def test_bytes_as_text(content: bytes) -> None:
    text = content.decode("latin-1")
    spelled = pickle.dumps(text, 0)
    machine = Machine(spelled, "x.pkl")
    raw = machine.run()
    before = strings._PIECE
    try:
        for size in (1, 2, 3, 5, 6, 7, 1 << 20):
            strings._PIECE = size
            assert joined(text.encode(), "text", as_latin1=True) == content
            assert b"".join(pieces(spelled, raw, True, "x")) == content
            assert joined(content, "bytes") == joined(content, "str2") == content
    finally:
        strings._PIECE = before


BROKEN = [
    (b"abc\\", "escaped", False),
    (b"abc\\x4", "escaped", False),
    (b"abc\\xzz", "escaped", False),
    (b"ab\xff", "text", True),
    (b"ab\xe3\x81", "text", True),
    ("\u3042".encode(), "text", True),
    (b"\\u12", "unicode", True),
    (b"\\u3042", "unicode", True),
    (b"\\U00110000", "unicode", True),
]


@pytest.mark.parametrize(("stored", "coding", "as_latin1"), BROKEN)
def test_what_stands_for_no_bytes(piece: int, stored: bytes, coding: str, as_latin1: bool) -> None:
    with pytest.raises(FormatError, match=r"x\.pkl::/W: its bytes cannot be decoded"):
        joined(b"a" * 50 + stored, coding, as_latin1)


NAMES = [
    (b"W", "text", "W"),
    ("重み".encode(), "text", "重み"),
    ("重み".encode(), "str2", "重み"),
    (b"caf\xe9", "str2", "café"),
    (b"caf\\xe9", "escaped", "café"),
    (b"caf\\xc3\\xa9", "escaped", "café"),
    (b"a\\'b\\n", "escaped", "a'b\n"),
    (b"\\u91cd", "unicode", "重"),
    (b"caf\xe9", "unicode", "café"),
    (b"\xed\xb2\x80", "text", "\udc80"),
    (b"", "bytes", ""),
    (b"broken\\", "escaped", None),
    (b"broken\\x1", "escaped", None),
]


@pytest.mark.parametrize(("stored", "coding", "text"), NAMES)
def test_names(stored: bytes, coding: str, text: str | None) -> None:
    assert short_text(stored, Raw(0, len(stored), coding)) == text  # type: ignore[arg-type]


def test_a_broken_unicode_name_is_read_somehow() -> None:
    assert short_text(b"a\\u12", Raw(0, 5, "unicode")) == "a\\u12"


def test_what_is_no_name() -> None:
    assert short_text(b"", None) is None
    assert short_text(b"", ("W",)) is None
    assert short_text(b"", "already text") == "already text"
    assert short_text(b"x" * 2000, Raw(0, 2000, "text")) is None
    assert short_text(b"x" * 2000, Raw(0, 2000, "text"), limit=2000) == "x" * 2000
