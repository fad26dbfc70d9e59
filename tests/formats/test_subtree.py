"""``FILE::PREFIX``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import odd_nets as nets
import pytest

import chainer_ft as ft
from chainer_ft.errors import FormatError
from chainer_ft.formats.subtree import Subtree
from chainer_ft.types import Entry, Listing, Source


class Tied(Source):
    """Two arrays that are one, and another."""

    name, format, closed = "tied", "test", False

    @property
    def listing(self) -> Listing:
        f4 = np.dtype("f4")
        own = Entry("/net/a/W", (2,), f4)
        tied = (Entry("/net/b/W", (2,), f4, shared_with="/net/a/W"),)
        return Listing((own, *tied, Entry("/network/W", (2,), f4)))

    def read(self, path: str) -> np.ndarray:
        return np.full(2, len(path), "f4")

    def close(self) -> None:
        self.closed = True


def test_paths_lose_the_prefix() -> None:
    whole = Tied()
    with Subtree(whole, "/net") as part:
        assert part.listing.paths == ("/a/W", "/b/W")
        assert part.listing["/b/W"].shared_with == "/a/W"
        assert part.read("/a/W")[0] == len("/net/a/W")
        assert next(part.blocks("/b/W"))[0] == len("/net/b/W")
        assert (part.name, part.format, part.whole) == ("tied::/net", "test", False)
    assert whole.closed


def test_a_partner_outside_is_forgotten() -> None:
    assert Subtree(Tied(), "/net/b").listing["/W"].shared_with is None


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_a_part_of_a_file(tmp_path: Path, suffix: str) -> None:
    model, file = nets.Odd(1), tmp_path / f"a.{suffix}"
    ft.save(file, model)
    for prefix in ("/stages/1", "stages/1", "stages/1/"):
        with ft.open(f"{file}::{prefix}") as part:
            assert part.listing.paths == ("/0/W", "/0/b", "/1/W", "/1/b")
            np.testing.assert_array_equal(part.read("/0/W"), model.stages[1][0].W.array)
    with ft.open(f"{file}::/stages") as outer:
        assert outer.narrow("/1")
        assert outer.listing.paths == ("/0/W", "/0/b", "/1/W", "/1/b")


def test_nothing_there(tmp_path: Path) -> None:
    ft.save(tmp_path / "a.npz", nets.Odd(1))
    with pytest.raises(FormatError, match=r"has nothing below /stage; nearest: /stages"):
        ft.open(f"{tmp_path / 'a.npz'}::/stage")
