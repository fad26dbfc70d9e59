"""The copy map as a picture: source on the left, target on the right, a line for each link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chainer_ft.report.html import Html, tag, text

_COLOURS = {
    "copied": "#2c7a3f",
    "shape": "#b3261e",
    "missing": "#b26a00",
    "unexpected": "#6b6b6b",
    "ambiguous": "#6a3fa0",
    "skipped": "#8a8a8a",
}
_ROW, _TOP, _LEFT, _RIGHT, _WIDTH = 20, 30, 310, 590, 900


@dataclass(frozen=True)
class Line:
    """Arrays of one link that share a fate.

    Args:
        status: ``copied``, ``shape``, ``missing``, ``unexpected``, ``ambiguous`` or ``skipped``.
        source: ``/conv1.{W, b}``, empty where there is none.
        target: The same in the target.
        remark: Elements, shapes or the reason.
    """

    status: str
    source: str = ""
    target: str = ""
    remark: str = ""


def lines(plan: Mapping[str, Any]) -> list[Line]:
    """The lines of a plan's JSON (``chainer_ft.plan/1``), arrays of one link together.

    Example:
        >>> pair = {"source": "/a/W", "target": "/b/W", "shape": [2, 3]}
        >>> lines({"pairs": [pair], "missing": ["/fc/W", "/fc/b"]})[1]
        Line(status='missing', source='', target='/fc.{W, b}', remark='')
    """
    return [
        *_copied(plan.get("pairs", ())),
        *_clashes(plan.get("incorrect_shapes", ())),
        *(Line("missing", target=one) for one in _grouped(plan.get("missing", ()))),
        *_ties(plan.get("ambiguous", ())),
        *(Line("unexpected", one) for one in _grouped(plan.get("unexpected", ()))),
        *_skipped(plan.get("skipped", ())),
    ]


def _copied(pairs: Any) -> Iterator[Line]:
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for pair in pairs:
        groups.setdefault((_link(pair["source"]), _link(pair["target"])), []).append(pair)
    for group in groups.values():
        count = sum(_size(pair["shape"]) for pair in group)
        sources, targets = [p["source"] for p in group], [p["target"] for p in group]
        yield Line("copied", _together(sources), _together(targets), f"{count:,}")


def _clashes(clashes: Any) -> Iterator[Line]:
    for one in clashes:
        shapes = f"{one['source_shape']} is not {one['target_shape']}"
        yield Line("shape", one["source"], one["target"], shapes)


def _ties(ties: Any) -> Iterator[Line]:
    for tie in ties:
        sources, targets = " ".join(tie["sources"]), " ".join(tie["targets"])
        yield Line("ambiguous", sources, targets, tie["reason"])


def _skipped(skipped: Any) -> Iterator[Line]:
    for one in skipped:
        side = {"source": one["path"]} if one["side"] == "source" else {"target": one["path"]}
        yield Line("skipped", remark=one["rule"], **side)


def _grouped(paths: Any) -> list[str]:
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(_link(path), []).append(path)
    return [_together(group) for group in groups.values()]


def _link(path: str) -> str:
    return path.rpartition("/")[0]


def _together(paths: list[str]) -> str:
    if len(paths) == 1:
        return paths[0]
    names = ", ".join(path.rpartition("/")[2] for path in paths)
    return f"{_link(paths[0])}.{{{names}}}"


def _size(shape: Any) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def draw_copy_map(plan: Mapping[str, Any]) -> Html:
    """The copy map as SVG.

    Args:
        plan: A plan's JSON.
    """
    drawn = lines(plan)
    height = _TOP + _ROW * len(drawn) + 10
    rows = (_row(line, _TOP + _ROW * i + _ROW // 2) for i, line in enumerate(drawn))
    head = (_word(_LEFT, 16, "end", plan.get("source", "source"), "head"),
            _word(_RIGHT, 16, "start", plan.get("target", "target"), "head"))  # fmt: skip
    return tag(
        "svg", *head, *rows, viewBox=f"0 0 {_WIDTH} {height}", role="img", class_="map",
        aria_label=f"copy map: {len(drawn)} lines", xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip


def _row(line: Line, y: int) -> Html:
    colour = _COLOURS[line.status]
    drawn = []
    if line.source and line.target:
        dashes = {} if line.status == "copied" else {"stroke_dasharray": "5 4"}
        ends = {"x1": _LEFT + 6, "y1": y, "x2": _RIGHT - 6, "y2": y}
        drawn.append(tag("line", stroke=colour, **ends, **dashes))
    middle = line.remark if line.status == "copied" else f"{line.status} {line.remark}".strip()
    drawn += [
        _word(_LEFT, y + 4, "end", line.source, fill=colour),
        _word(_RIGHT, y + 4, "start", line.target, fill=colour),
        _word((_LEFT + _RIGHT) // 2, y - 2, "middle", _short(middle, 44), "note", fill=colour),
    ]
    return tag("g", tag("title", _title(line)), *drawn)


def _word(
    x: int, y: int, anchor: str, words: str, class_: str = "path", fill: str = "#222"
) -> Html:
    shown = _short(words, 46)
    return tag("text", text(shown), x=x, y=y, text_anchor=anchor, class_=class_, fill=fill)


def _short(words: str, letters: int) -> str:
    """The end of a long path says more than its beginning."""
    return words if len(words) <= letters else "…" + words[-letters + 1 :]


def _title(line: Line) -> str:
    return f"{line.status}: {line.source or '-'} -> {line.target or '-'} {line.remark}".strip()
