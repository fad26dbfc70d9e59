"""Two sources, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainer_ft.report.order import in_order
from chainer_ft.types import Entry, Source

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Difference:
    """What one path is in two files.

    Args:
        path: The path.
        status: ``equal``, ``values``, ``dtype``, ``shape``, ``only in A`` or ``only in B``.
        a: The entry in the first, if it is there.
        b: The entry in the second.
        largest: Largest absolute difference, where both are numbers of one shape.
    """

    path: str
    status: str
    a: Entry | None = None
    b: Entry | None = None
    largest: float | None = None


def differences(a: Source, b: Source) -> Iterator[Difference]:
    """Compare two sources in the order of the first; reads one pair of arrays at a time."""
    for entry in in_order(a.listing):
        if entry.path in b.listing:
            yield _compare(a, b, entry, b.listing[entry.path])
        else:
            yield Difference(entry.path, "only in A", a=entry)
    for entry in in_order(b.listing):
        if entry.path not in a.listing:
            yield Difference(entry.path, "only in B", b=entry)


def _compare(a: Source, b: Source, one: Entry, other: Entry) -> Difference:
    import numpy as np

    if one.shape != other.shape:
        return Difference(one.path, "shape", one, other)
    if one.note or other.note:
        return Difference(one.path, "equal" if one.note == other.note else "values", one, other)
    x, y = a.read(one.path), b.read(one.path)
    largest = _largest(x, y)
    same = largest == 0.0 if largest is not None else bool(np.array_equal(x, y))
    if one.dtype != other.dtype:
        return Difference(one.path, "dtype", one, other, largest)
    return Difference(one.path, "equal" if same else "values", one, other, largest)


def _largest(x: np.ndarray, y: np.ndarray) -> float | None:
    """``nan`` where exactly one side is NaN; ``None`` for what is no number."""
    import numpy as np

    if x.dtype.kind not in "biufc" or y.dtype.kind not in "biufc":
        return None
    if x.size == 0:
        return 0.0
    wide = np.result_type(x, y, np.float64)
    x, y = x.astype(wide), y.astype(wide)
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    with np.errstate(invalid="ignore", over="ignore"):
        return float(np.where(same, 0.0, np.abs(x - y)).max())
