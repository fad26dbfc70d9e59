"""Nothing from outside becomes HTML by itself."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.report.html import Html, details, image, section, table, tag, text


class Words(HTMLParser):
    """What a reader sees, and the elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.values: list[str | None] = []
        self.feed(page)
        self.close()

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value for _, value in attrs]


PRINTABLE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


@given(PRINTABLE, PRINTABLE)
def test_a_reader_sees_what_was_given(inside: str, attribute: str) -> None:
    seen = Words(tag("p", inside, title=attribute))
    assert "".join(seen.words) == inside
    assert seen.tags == ["p"] and seen.values == [attribute]


def test_a_name_that_is_no_utf_8_can_be_written() -> None:
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    for made in (text(name), tag("p", name, title=name), image(b"", ".png", name)):
        assert b"caf\\udce9.png" in made.encode("utf-8")


def test_html_stays_html() -> None:
    inner = tag("b", "a & b")
    assert text(inner) is inner
    assert tag("p", inner, " < c") == "<p><b>a &amp; b</b> &lt; c</p>"
    assert tag("td", "x", class_="n", aria_label='"') == '<td class="n" aria-label="&quot;">x</td>'


def test_parts() -> None:
    seen = Words(section("Worst samples", table(("a", "b"), [(1, Html("<i>2</i>"))])))
    assert " ".join(seen.tags) == "section h2 table thead tr th th tbody tr th td i"
    assert "worst-samples" in seen.values
    assert Words(details("more", "x")).words == ["more", "x"]


def test_a_picture_is_inside(tmp_path: Path) -> None:
    assert image(b"\x00", ".png", "a < b") == (
        '<img src="data:image/png;base64,AA==" alt="a &lt; b">'
    )
