"""The tree of a model as text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.report.model_table import LinkRow, ParamRow, Summary


def net(*links: LinkRow) -> Summary:
    total = sum(p.size for link in links for p in link.params)
    return Summary((LinkRow("/", "Net", (), total), *links))


def test_the_last_line_is_the_one_of_peft() -> None:
    made = net(
        LinkRow("/a", "Linear", (ParamRow("W", (1000, 1000), 1_000_000, "frozen"),), 1_000_000),
        LinkRow("/b", "Linear", (ParamRow("W", (2, 617), 1234, "trains"),), 1234),
    )
    assert str(made).splitlines()[-1] == (
        "trainable params: 1,234 || all params: 1,001,234 || trainable%: 0.1232"
    )


def test_a_model_without_parameters_has_a_line_too() -> None:
    assert net().line == "trainable params: 0 || all params: 0 || trainable%: 0.0000"


def test_parameters_that_differ_get_a_line_each() -> None:
    params = (ParamRow("W", (2, 3), 6, "frozen"), ParamRow("b", (2,), 2, "trains", "x10"))
    lines = str(net(LinkRow("/fc", "Linear", params, 8))).splitlines()
    assert [line.split() for line in lines[2:5]] == [
        ["fc", "Linear", "8"],
        ["W", "2x3", "6", "frozen"],
        ["b", "2", "2", "trains", "x10"],
    ]


def test_a_name_with_a_slash_stands_where_its_link_does() -> None:
    params = (ParamRow("W", (2, 2), 4, "trains"),)
    paths = ("/conv", "/inception/1x1", "/block", "/block/fc", "/block/loss/fc", "/loss/fc")
    rows = [LinkRow(path, "Linear", params, 4) for path in paths]
    lines = str(net(*rows)).splitlines()[2:8]
    assert [line.partition("Linear")[0].rstrip() for line in lines] == [
        *("  conv", "  inception/1x1", "  block", "    fc", "    loss/fc", "  loss/fc")
    ]


def test_what_is_not_known_is_counted_as_such() -> None:
    lazy = LinkRow("/fc", "Linear", (ParamRow("W", (10, None), 0, "trains"),), 0)
    text = str(net(lazy))
    assert "W 10x?" in text
    assert "1 of 1 parameters have no array yet and are not counted" in text


def test_a_shared_parameter_says_with_whom() -> None:
    twice = LinkRow("/b", "Linear", (ParamRow("W", (2, 3), 0, "trains", "x1", "/a/W"),), 0)
    text = str(net(twice))
    assert "shared with /a/W" in text
    assert "no array yet" not in text


def test_only_what_stands_still_is_grey() -> None:
    made = net(
        LinkRow("/a", "Linear", (ParamRow("W", (2, 2), 4, "off"),), 4),
        LinkRow("/b", "Linear", (ParamRow("W", (2, 2), 4, "trains"),), 4),
    )
    painted = [line for line in made.table(colour=True).splitlines() if "\x1b" in line]
    assert len(painted) == 1
    assert "off" in painted[0]


def test_json_is_plain_and_versioned() -> None:
    made = net(LinkRow("/a", "Linear", (ParamRow("W", None, 0, "trains"),), 0))
    data = json.loads(json.dumps(made.to_json()))
    assert data["schema"] == "chainer_ft.summary/1"
    assert data["links"][1]["params"][0] == {
        "name": "W",
        "shape": None,
        "size": 0,
        "state": "trains",
        "lr": "x1",
        "shared_with": None,
    }


states = st.sampled_from(["trains", "frozen", "off"])
params = st.builds(
    ParamRow,
    st.text(min_size=1),
    st.tuples(st.integers(1, 9)),
    st.integers(1, 9),
    states,
)


@given(st.lists(st.tuples(st.text(min_size=1), st.lists(params, max_size=4)), max_size=6))
def test_every_link_stands_in_the_table_and_nothing_breaks_a_line(
    links: list[tuple[str, list[ParamRow]]],
) -> None:
    rows = [LinkRow(f"/{n}", "L", tuple(p), sum(q.size for q in p)) for n, p in links]
    made = net(*rows)
    assert 0 <= made.trainable <= made.total
    lines = made.table().split("\n")
    assert len(lines) >= 2 + len(rows) + 2
    assert all(line.isprintable() for line in lines)
