"""Columns and colours."""

from __future__ import annotations

import pytest

from chainer_ft.report.table import align, painted, wants_colour


class Terminal:
    """Something that says it is one."""

    def isatty(self) -> bool:
        return True


def test_no_trailing_blanks() -> None:
    assert align([("a", ""), ("bb", "c")]) == ["a", "bb  c"]


@pytest.mark.parametrize(
    ("environment", "expected"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_only_on_a_terminal(
    environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(Terminal()) is expected
    assert wants_colour(object()) is False


def test_painted() -> None:
    assert painted("x", "red", True) == "\x1b[31mx\x1b[0m"
    assert painted("x", "red", False) == painted("x", None, True) == "x"
