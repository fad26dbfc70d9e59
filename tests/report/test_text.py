"""The copy map as text."""

from __future__ import annotations

import numpy as np

from chainer_ft.planning import Rules, by_name, by_shape, make_plan
from chainer_ft.report.rows import rows
from chainer_ft.report.text import plan_table, source_table
from chainer_ft.types import Entry, Listing, Source

SOURCE = Listing.of(
    {
        "/conv1/W": (8, 3, 3, 3),
        "/conv1/b": (8,),
        "/fc/W": (10, 8),
        "/fc/b": (10,),
        "/old/W": (2,),
        "/aux/W": (3,),
    },
    "old.caffemodel",
)
TARGET = Listing.of(
    {
        "/conv1/W": (8, 3, 3, 3),
        "/conv1/b": (8,),
        "/fc/W": (5, 8),
        "/fc/b": (5,),
        "/new/W": (7,),
        "/aux/W": (3,),
    },
    "Net",
)
EXPECTED = """\
old.caffemodel -> Net  (policy name)

            source         target         shape            parameters
copied      /conv1.{W, b}  /conv1.{W, b}  8x3x3x3, 8              224
shape       /fc/W          /fc/W          10x8 is not 5x8          40
shape       /fc/b          /fc/b          10 is not 5               5
missing                    /new/W         7                         7
skipped                    /aux/W         3                         3  skip /aux
unexpected  /old/W                        2                         2
skipped     /aux/W                        3                         3  skip /aux

coverage 80.29%: 224 of 279 parameters; 2 arrays copied, 1 missing, 1 unexpected, \
2 of another shape, 2 skipped"""


def test_the_whole_table() -> None:
    made = make_plan(SOURCE, TARGET, by_name.POLICY, Rules.of(skip="/aux"))
    assert plan_table(made) == EXPECTED
    assert str(made) == EXPECTED


def test_colour_only_when_asked() -> None:
    made = make_plan(SOURCE, TARGET, by_name.POLICY)
    assert "\x1b[" not in plan_table(made)
    coloured = plan_table(made, colour=True)
    assert "\x1b[32mcopied" in coloured
    assert "\x1b[31mmissing" in coloured


def test_siblings_that_do_not_stand_together_are_grouped() -> None:
    source = Listing.of({"/a/W": (1,), "/b/W": (1,), "/a/b": (1,), "/b/b": (1,)})
    made = make_plan(source, Listing.of({"/z/W": (1,)}), by_name.POLICY)
    assert [row.sources for row in rows(made)[1:]] == [("/a/W", "/a/b"), ("/b/W", "/b/b")]


def test_ties_name_all_candidates() -> None:
    target = Listing.of({"/a/W": (2,), "/b/W": (2,)})
    text = str(make_plan(Listing.of({"/x/W": (2,)}), target, by_shape.POLICY))
    assert "ambiguous  /x/W    /a/W, /b/W" in text
    assert text.endswith("0 arrays copied, 2 ambiguous")


class Memory(Source):
    """A source of nothing but a listing."""

    name, format = "net.npz", "npz"
    notes = ("a note",)
    provenance = {"sources": [{"name": "vgg.pkl", "sha256": "ab"}, "odd"]}  # noqa: RUF012

    @property
    def listing(self) -> Listing:
        f4 = np.dtype("f4")
        return Listing(
            (
                Entry("/W", (2, 3), f4, link_type="Linear", transforms=("transposed",)),
                Entry("/b", None, note="uninitialised"),
                Entry("/t", (2, 3), f4, shared_with="/W"),
                Entry("/N", (), np.dtype("i8"), "persistent"),
            )
        )

    def read(self, path: str) -> np.ndarray:
        raise KeyError(path)


def test_a_listing_as_a_table() -> None:
    lines = source_table(Memory()).splitlines()
    assert lines[0] == "net.npz"
    assert lines[3].split() == ["/W", "2x3", "float32", "param", "6", "Linear", "transposed"]
    assert "not set" in lines[4]
    assert lines[5].endswith("same array as /W")
    assert "4 arrays, 6 parameters  (npz)" in lines
    assert lines[-2:] == ["note: a note", "weights from: vgg.pkl (sha256 ab)"]


def test_odd_provenance_is_no_reason_to_fail() -> None:
    for odd in ({"sources": 3}, {"sources": [None]}, {}):
        source = Memory()
        source.provenance = odd
        assert source_table(source)
