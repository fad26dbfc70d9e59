"""A source in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from chainer_ft.types import Entry, Listing, Source


class ArraySource(Source):
    """Arrays in a dictionary, as a source.

    Args:
        arrays: Path to array.
        persistent: The paths that are persistent values and not parameters.

    Example:
        >>> import numpy as np
        >>> source = ArraySource({"/fc/W": np.zeros((2, 3), "f4")})
        >>> source.listing["/fc/W"].shape, source.read("/fc/W").shape
        ((2, 3), (2, 3))
    """

    name = "arrays in memory"
    format = "arrays"

    def __init__(self, arrays: Mapping[str, np.ndarray], persistent: Iterable[str] = ()) -> None:
        self._arrays, kept = dict(arrays), set(persistent)
        self._listing = Listing(
            tuple(
                Entry(path, array.shape, array.dtype, "persistent" if path in kept else "param")
                for path, array in self._arrays.items()
            ),
            self.name,
        )

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._arrays[path].copy()
