"""Small pieces of HTML: everything that comes from outside is escaped here."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

_KINDS = {".png": "image/png", ".svg": "image/svg+xml", ".jpg": "image/jpeg"}


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as HTML: escaped, unless it is HTML already.

    Example:
        >>> text("a < b"), text(Html("<b>a</b>"))
        ('a &lt; b', '<b>a</b>')
    """
    return value if isinstance(value, Html) else Html(_escaped(value))


def _escaped(value: object) -> str:
    """As text of HTML; what UTF-8 cannot hold (names of files have it) as a number."""
    return escape(str(value).encode("utf-8", "backslashreplace").decode("utf-8"))


def tag(name: str, *inside: object, **attributes: object) -> Html:
    """An element.

    Args:
        name: ``p``, ``td`` and so on.
        inside: Its content, escaped where it is not HTML.
        attributes: ``class_`` stands for ``class``, ``aria_label`` for ``aria-label``.

    Example:
        >>> tag("p", "1 < 2", class_="note")
        '<p class="note">1 &lt; 2</p>'
    """
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    written = "".join(f' {key}="{_escaped(value)}"' for key, value in pairs)
    return Html(f"<{name}{written}>{''.join(map(text, inside))}</{name}>")


def image(data: bytes, suffix: str, alt: str) -> Html:
    """A picture inside the page.

    Args:
        data: The file's bytes.
        suffix: ``.png``, ``.svg`` or ``.jpg``.
        alt: What it shows, in words.
    """
    encoded = base64.b64encode(data).decode("ascii")
    source = f"data:{_KINDS[suffix]};base64,{encoded}"
    return Html(f'<img src="{source}" alt="{_escaped(alt)}">')


def image_file(path: Path, alt: str) -> Html:
    """The picture in a file, inside the page."""
    return image(path.read_bytes(), path.suffix, alt)


def table(head: Sequence[object], rows: Iterable[Sequence[object]], **attributes: object) -> Html:
    """A table; all columns but the first are numbers or short words."""
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = (
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]))
        for row in rows
    )
    return tag("table", tag("thead", top), tag("tbody", *body), **attributes)


def section(title: str, *inside: object) -> Html:
    """A part of the page with a heading, and a place to link to."""
    place = title.lower().replace(" ", "-")
    return tag("section", tag("h2", title), *inside, id=place)


def details(title: str, *inside: object) -> Html:
    """What is shown when one asks for it."""
    return tag("details", tag("summary", title), *inside)
