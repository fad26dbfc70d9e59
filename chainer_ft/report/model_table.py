"""What of a model trains, as a tree of text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from chainer_ft.report.table import align, painted, shape_text

#: ``off`` is what Chainer's own ``disable_update`` leaves standing.
State = Literal["trains", "frozen", "off"]


@dataclass(frozen=True)
class ParamRow:
    """One parameter.

    Args:
        name: ``W``.
        shape: ``None`` where nothing of it is known yet; a size that is not known is ``None``.
        size: Number of elements; 0 for one without an array, and for one counted elsewhere.
        state: Whether training changes it.
        lr: Its learning rate: ``x0.1`` of the optimizer's, or a number of its own, ``0.01``.
        shared_with: Path of the parameter that it is, where it stands in the model twice.
    """

    name: str
    shape: tuple[int | None, ...] | None
    size: int
    state: State
    lr: str = "x1"
    shared_with: str | None = None


@dataclass(frozen=True)
class LinkRow:
    """One link.

    Args:
        path: ``/res2/conv1``; the model itself is ``/``.
        link_type: Name of its class.
        params: Its own parameters.
        total: Elements of these and of all below it.
        note: What BatchNormalization does with its statistics.
    """

    path: str
    link_type: str
    params: tuple[ParamRow, ...]
    total: int
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """What of a model trains; ``str()`` of it is the table.

    Args:
        links: Every link, in the model's own order.
    """

    links: tuple[LinkRow, ...]

    @property
    def trainable(self) -> int:
        """Elements of the parameters that training changes."""
        return sum(p.size for link in self.links for p in link.params if p.state == "trains")

    @property
    def total(self) -> int:
        """Elements of all parameters, each counted once."""
        return self.links[0].total

    @property
    def line(self) -> str:
        """The line that people paste, in PEFT's words."""
        share = 100 * self.trainable / self.total if self.total else 0.0
        return (
            f"trainable params: {self.trainable:,d} || all params: {self.total:,d} || "
            f"trainable%: {share:.4f}"
        )

    def table(self, colour: bool = False) -> str:
        """The tree, and :attr:`line` below it.

        Args:
            colour: Whether to grey what does not train.
        """
        placed = zip(self.links, _places([link.path for link in self.links]), strict=True)
        made = [line for link, place in placed for line in _lines(link, *place)]
        cells = [("link", "type", "shape", "parameters", "state", "lr", ""), *made]
        head, *lines = align(cells, right=(3,))
        still = [row[4] in ("frozen", "off") for row in made]
        grey = [
            painted(text, "grey" if off else None, colour)
            for text, off in zip(lines, still, strict=True)
        ]
        return "\n".join([head, *grey, "", *_unknown(self), self.line])

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        data = {"schema": "chainer_ft.summary/1", "trainable": self.trainable, "total": self.total}
        return {**data, "links": [asdict(link) for link in self.links]}

    def __str__(self) -> str:
        return self.table()


def _places(paths: Sequence[str]) -> Iterator[tuple[int, str]]:
    """How deep each path is in the tree, and what it is called there.

    What is above a link stands before it. A name may have a slash in it.

    Example:
        >>> list(_places(["/", "/a", "/a/b", "/inception/1x1"]))
        [(0, '/'), (1, 'a'), (2, 'b'), (1, 'inception/1x1')]
    """
    above: list[str] = []
    for path in paths:
        while above and not path.startswith(above[-1]):
            above.pop()
        yield len(above), path.removeprefix(above[-1]) if above else path
        above.append(path.rstrip("/") + "/")


def _lines(link: LinkRow, depth: int, label: str) -> Iterator[tuple[str, ...]]:
    """A link in one line, where its parameters are all alike; else one line each below it."""
    name = "  " * depth + label
    alike = {(p.state, p.lr if p.state == "trains" else "", p.shared_with) for p in link.params}
    total = f"{link.total:,}" if link.total else ""
    if len(alike) != 1:
        yield name, link.link_type, "", total, "", "", link.note
        for param in link.params:
            yield f"{'  ' * depth}  {param.name}", "", *_cells((param,), "")
    else:
        _, *rest = _cells(link.params, link.note)
        shapes = ", ".join(f"{p.name} {shape_text(p.shape)}" for p in link.params)
        rest[0] = total
        yield name, link.link_type, shapes, *rest


def _cells(params: tuple[ParamRow, ...], note: str) -> tuple[str, ...]:
    one = params[0]
    size = sum(p.size for p in params)
    shared = f"shared with {one.shared_with}" if one.shared_with else ""
    notes = "; ".join(filter(None, (note, shared)))
    lr = one.lr if one.state == "trains" else ""
    return shape_text(one.shape), f"{size:,}" if size else "", one.state, lr, notes


def _unknown(summary: Summary) -> list[str]:
    rows = [p for link in summary.links for p in link.params]
    count = sum(not p.size and (p.shape is None or None in p.shape) for p in rows)
    if not count:
        return []
    return [f"{count} of {len(rows)} parameters have no array yet and are not counted"]
