"""The progress bar: on a terminal, after a while, and gone at the end."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from chainer_ft.cli import progress
from chainer_ft.types import Entry, Listing, Source


class Memory(Source):
    """Two arrays of eight bytes."""

    name, format = "memory", "none"

    @property
    def listing(self) -> Listing:
        f4 = np.dtype("f4")
        return Listing((Entry("/a", (2,), f4), Entry("/b", (2,), f4)))

    def read(self, path: str) -> np.ndarray:
        return np.ones(2, "f4")


class Terminal(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_no_bar() -> None:
    source = Memory()
    assert progress.watched(source) is source


@pytest.mark.parametrize(("patience", "drawn"), [(-1.0, True), (99.0, False)])
def test_a_bar_after_a_while(monkeypatch: pytest.MonkeyPatch, patience: float, drawn: bool) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_PATIENCE", patience)
    source = progress.watched(Memory())
    assert (source.read("/a") == 1).all()
    assert [block.tolist() for block in source.blocks("/b")] == [[1.0, 1.0]]
    assert source.for_target(Listing(())) is source
    text = terminal.getvalue()
    assert (" 50% of" in text) is drawn
    assert text.endswith("\r\x1b[K") is drawn
