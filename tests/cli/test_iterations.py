"""The bar below a log."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from chainer_ft.cli import iterations
from chainer_ft.cli.iterations import Bar

CLEAR = "\r\x1b[K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    time = [100.0]
    monkeypatch.setattr(iterations.time, "monotonic", lambda: time[0])
    monkeypatch.setenv("COLUMNS", "100")
    return time


def run(bar: Bar, clock: list[float], seconds: float) -> Iterator[int]:
    for done in range(5):
        bar.show(done, ", loss 0.5")
        yield done
        clock[0] += seconds


def test_on_a_terminal_after_two_seconds(clock: list[float]) -> None:
    out = Terminal()
    with Bar(8, out) as bar:
        for done in run(bar, clock, 1.0):
            bar.write(f"line {done}\n")
    said = out.getvalue()
    assert said.startswith("line 0\nline 1\n" + CLEAR)
    line = "[########......................] 2 of 8, 1 iter/s, 6 s left, loss 0.5"
    assert f"{CLEAR}{line}{CLEAR}line 2\n{line}" in said
    assert said.endswith(CLEAR) and "line 4" in said


def test_not_before_two_seconds(clock: list[float]) -> None:
    out = Terminal()
    with Bar(8, out) as bar:
        list(run(bar, clock, 0.3))
    assert out.getvalue() == ""


def test_not_in_a_file(clock: list[float]) -> None:
    out = io.StringIO()
    with Bar(8, out) as bar:
        for _ in run(bar, clock, 1.0):
            bar.write("x\n")
    assert out.getvalue() == "x\n" * 5


def test_it_fits_into_the_line(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    with Bar(8, out) as bar:
        list(run(bar, clock, 1.0))
    assert max(map(len, out.getvalue().split(CLEAR))) == 39
