"""The curves of a learning-rate range test: smoothed, judged, as text and as a picture. Pure."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chainer_ft.report.pictures import picture, verbatim
from chainer_ft.report.table import align

#: Steps on either side that are averaged; a loss of one batch says little.
WINDOW = 5


@dataclass(frozen=True)
class Curve:
    """Losses while the learning rate grew.

    Args:
        rates: Learning rates, growing exponentially.
        losses: The loss at each, all finite.
        end: Why it ended, in words.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    end: str

    @property
    def smoothed(self) -> tuple[float, ...]:
        """Losses averaged with their neighbours, near ones counting more."""
        return tuple(_around(self.losses, i) for i in range(len(self.losses)))

    @property
    def lowest(self) -> int | None:
        """Where the smoothed loss is lowest."""
        smoothed = self.smoothed
        return smoothed.index(min(smoothed)) if smoothed else None

    @property
    def steepest(self) -> int | None:
        """Where the smoothed loss falls fastest on a logarithmic axis, before its lowest point."""
        smoothed, last = self.smoothed, self.lowest or 0
        slopes = {i: smoothed[i + 1] - smoothed[i - 1] for i in range(1, last)}
        best = min(slopes, key=slopes.__getitem__, default=0)
        return best if best and slopes[best] < 0 else None

    @property
    def suggestion(self) -> float | None:
        """The rate at which the loss falls fastest, and at most a tenth of that at the lowest.

        Both are usual (L. N. Smith, Cyclical Learning Rates for Training Neural Networks, 2017;
        Howard and Gugger, fastai, 2020), and either is too high at times: the first where the loss
        falls to the very end, the second where it never rises. ``None`` where it never falls.
        """
        if self.steepest is None or self.lowest is None:
            return None
        most = min(self.rates[self.steepest], self.rates[self.lowest] / 10)
        return max((rate for rate in self.rates if rate <= most), default=self.rates[0])


def _around(losses: Sequence[float], i: int) -> float:
    near = range(max(0, i - WINDOW), min(len(losses), i + WINDOW + 1))
    weights = [WINDOW + 1 - abs(i - j) for j in near]
    return sum(w * losses[j] for w, j in zip(weights, near, strict=True)) / sum(weights)


def diverges(losses: Sequence[float], factor: float) -> bool:
    """Whether the mean of the latest losses is far above the lowest such mean before.

    Args:
        losses: So far.
        factor: How far: how many times the lowest.

    Example:
        >>> diverges([1.0] * 9, 4.0), diverges([1.0] * 9 + [100.0], 4.0)
        (False, True)
    """
    if losses and not math.isfinite(losses[-1]):
        return True
    ends = range(WINDOW, len(losses) + 1)
    means = [sum(losses[end - WINDOW : end]) / WINDOW for end in ends]
    if not means:
        return False
    lowest = min(means)
    return means[-1] > lowest + (factor - 1) * abs(lowest)


@dataclass(frozen=True)
class RangeTest:
    """What a learning-rate range test found; ``str()`` of it is a table.

    Args:
        curves: One for all parameters together (``all``), and one for each group.
        name: What the optimizer calls the rate: ``lr``, or Adam's ``alpha``.
    """

    curves: Mapping[str, Curve]
    name: str

    @property
    def suggestion(self) -> float | None:
        """For all parameters together; ``None`` where the loss never fell."""
        return self.curves["all"].suggestion

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "schema": "chainer_ft.lr_find/1",
            "name": self.name,
            "curves": {
                group: {**asdict(curve), "suggestion": curve.suggestion}
                for group, curve in self.curves.items()
            },
        }

    def save_plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the curves: losses as dots, smoothed as lines, suggestions as circles.

        Args:
            path: The picture; its suffix says the format.

        Raises:
            UsageError: There is no matplotlib.
            FormatError: The file cannot be written.
        """
        with picture(path) as axes:
            for i, (group, curve) in enumerate(self.curves.items()):
                _draw(axes, f"C{i}", group, curve)
            axes.set(xlabel=self.name, ylabel="loss", xscale="log", ylim=self._limits())
            axes.grid(alpha=0.3)
            axes.legend(frameon=False)

    def _limits(self) -> tuple[float, float] | None:
        """Where the curves fall; what rises far above its start is cut off."""
        found = [curve.smoothed for curve in self.curves.values() if curve.losses]
        if not found:
            return None
        low, high = min(map(min, found)), max(values[0] for values in found)
        room = 0.1 * ((high - low) or abs(high) or 1.0)
        return low - room, high + 5 * room

    def __str__(self) -> str:
        head = ("group", f"suggested {self.name}", "loss", "lowest at", "end")
        return "\n".join(align([head, *self._rows()]))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for group, curve in self.curves.items():
            at, smoothed = curve.lowest, curve.smoothed
            if at is None:
                yield group, "none", "", "", curve.end
                continue
            best = curve.suggestion
            suggested = "none: it never falls" if best is None else f"{best:.2g}"
            loss = f"{smoothed[0]:.4g} -> {smoothed[at]:.4g}"
            yield group, suggested, loss, f"{curve.rates[at]:.2g}", curve.end


def _draw(axes: Any, colour: str, group: str, curve: Curve) -> None:
    best, smoothed = curve.suggestion, curve.smoothed
    label = group if best is None else f"{group}: {best:.2g}"
    axes.plot(curve.rates, curve.losses, ".", color=colour, markersize=2, alpha=0.4)
    axes.plot(curve.rates, smoothed, color=colour, label=verbatim(label))
    if best is not None:
        axes.plot(best, smoothed[curve.rates.index(best)], "o", color=colour, fillstyle="none")
