"""Every entry of a plan stands in the picture once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.planning import Rules, by_name, make_plan
from chainer_ft.report.copy_map import Line, draw_copy_map, lines
from chainer_ft.types import Listing

SHAPES = st.sampled_from([(2,), (3, 2)])
LISTINGS = st.dictionaries(
    st.sampled_from([f"/{link}/{name}" for link in "abc" for name in "Wb"]), SHAPES, min_size=1
)


def names(side: str) -> list[str]:
    """``/a.{W, b}`` as two paths."""
    link, dot, rest = side.partition(".{")
    return [f"{link}/{name}" for name in rest.rstrip("}").split(", ")] if dot else side.split()


@given(LISTINGS, LISTINGS)
def test_every_entry_is_drawn_once(
    source: dict[str, tuple[int, ...]], target: dict[str, tuple[int, ...]]
) -> None:
    made = make_plan(Listing.of(source), Listing.of(target), by_name.POLICY)
    drawn = lines(made.to_dict())
    assert sorted(p for line in drawn for p in names(line.source)) == sorted(source)
    assert sorted(p for line in drawn for p in names(line.target)) == sorted(target)


def test_what_a_rule_leaves_out_names_the_rule() -> None:
    listing = Listing.of({"/a/W": (2,), "/s/W": (1,)})
    made = make_plan(listing, listing, by_name.POLICY, Rules.of(skip="/s"))
    skipped = [line for line in lines(made.to_dict()) if line.status == "skipped"]
    assert {(line.source, line.target) for line in skipped} == {("/s/W", ""), ("", "/s/W")}
    assert all("/s" in line.remark for line in skipped)


def test_the_picture_has_a_line_for_each_pair() -> None:
    plan = {
        "source": "old.npz",
        "target": "Net",
        "pairs": [
            {"source": "/a/W", "target": "/b/W", "shape": [2, 3]},
            {"source": "/a/b", "target": "/b/b", "shape": [2]},
        ],
        "missing": ["/fc/W"],
        "unexpected": ["/very" * 20 + "/W"],
    }
    svg = draw_copy_map(plan)
    assert svg.startswith("<svg ") and svg.count("<line ") == 1 and svg.count("<g>") == 3
    assert "/a.{W, b}" in svg and ">8<" in svg and "…" in svg
    assert lines(plan)[0] == Line("copied", "/a.{W, b}", "/b.{W, b}", "8")
