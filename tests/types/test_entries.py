"""Entries and listings refuse what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from chainer_ft.types import Entry, Listing


@pytest.mark.parametrize("path", ["conv1/W", "", "/conv1/", "/"])
def test_a_path_begins_with_a_slash(path: str) -> None:
    with pytest.raises(ValueError, match="/conv1/W"):
        Entry(path, (1,))


def test_kind_and_shape_are_checked() -> None:
    with pytest.raises(ValueError, match="persistent"):
        Entry("/a", (1,), kind="weight")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        Entry("/a", (1, -2))


def test_sizes() -> None:
    entry = Entry("/a/W", (2, 3), np.dtype("f8"))
    assert (entry.size, entry.nbytes, entry.link, entry.name) == (6, 48, "/a", "W")
    assert Entry("/W", None).size == 0
    assert Entry("/W", ()).link == "/"


def test_a_path_stands_once() -> None:
    with pytest.raises(ValueError, match="/a stands in it twice"):
        Listing((Entry("/a", (1,)), Entry("/a", (2,))))


def test_links_keep_the_order_of_the_listing() -> None:
    listing = Listing.of({"/z/W": (1,), "/a/W": (2,), "/z/b": (3,)})
    assert list(listing.links) == ["/z", "/a"]
    assert [e.path for e in listing.links["/z"]] == ["/z/W", "/z/b"]
    assert [e.path for e in listing.where(["/a/W", "/z/W"])] == ["/z/W", "/a/W"]
