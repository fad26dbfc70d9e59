"""Charts of a training: curves of several runs, a confusion matrix."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainer_ft.report.pictures import picture, verbatim

_COLOURS = ("#1b6ca8", "#d1495b", "#5d737e", "#edae49", "#66a182")
_NAMED = 25  # classes that have room for their names


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Args:
        name: What it is called in the legend.
        x: Positions, epochs say.
        y: Values; ``None`` where nothing was measured.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float | None]

    @property
    def points(self) -> list[tuple[float, float]]:
        """What was measured."""
        return [(x, y) for x, y in zip(self.x, self.y, strict=True) if y is not None]


def draw_curves(path: str | os.PathLike[str], panels: Mapping[str, Sequence[Series]]) -> None:
    """Draw panels beside each other, a line for each series; a name has one colour in all.

    Args:
        path: The picture; its suffix says the format.
        panels: Series by the label of the axis, ``{"accuracy": [...], "loss": [...]}``.

    Raises:
        UsageError: There is no matplotlib.
        FormatError: The file cannot be written.
    """
    names = list(dict.fromkeys(s.name for series in panels.values() for s in series))
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)}
    with picture(path, 4.6 * len(panels), 3.4) as first:
        figure = first.figure
        first.remove()
        for i, (label, series) in enumerate(panels.items()):
            axes = figure.add_subplot(1, len(panels), i + 1)
            for one in series:
                points = one.points
                axes.plot(
                    [x for x, _ in points],
                    [y for _, y in points],
                    ".-",
                    color=colours[one.name],
                    label=verbatim(one.name),
                )
            axes.set(xlabel="epoch", ylabel=label)
            axes.grid(alpha=0.3)
            if i == 0 and names:
                axes.legend(frameon=False, fontsize="small")
        figure.tight_layout()


def draw_confusion(
    path: str | os.PathLike[str], classes: Sequence[str], counts: Sequence[Sequence[int]]
) -> None:
    """Draw a confusion matrix; a cell's shade is its share of the row.

    Args:
        path: The picture.
        classes: Names.
        counts: By true class (rows) and predicted class (columns).
    """
    size = min(max(3.0, 0.34 * len(classes) + 1.6), 12.0)
    shares = [[n / max(sum(row), 1) for n in row] for row in counts]
    with picture(path, size, size) as axes:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set(xlabel="predicted", ylabel="true")
        if len(classes) > _NAMED:
            return
        places = range(len(classes))
        names = list(map(verbatim, classes))
        axes.set_xticks(places, names, rotation=90, fontsize=8)
        axes.set_yticks(places, names, fontsize=8)
        for y, row in enumerate(counts):
            for x, count in enumerate(row):
                colour = "white" if shares[y][x] > 0.5 else "#333"
                if count:
                    axes.text(x, y, str(count), ha="center", va="center", color=colour, fontsize=7)
