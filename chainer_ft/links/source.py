"""A live link as a source: its arrays are copied out, to NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import chainer
import numpy as np

from chainer_ft.errors import ArrayError
from chainer_ft.links.listing import listing
from chainer_ft.links.walk import slots
from chainer_ft.types import Listing, Source
from chainer_ft.types.source import BLOCK_BYTES


class LinkSource(Source):
    """Read from a link, on whatever device it is.

    Args:
        link: The link.
        name: What to call it in messages.

    Example:
        >>> import chainer
        >>> source = LinkSource(chainer.links.Linear(3, 2))
        >>> [(entry.path, entry.shape) for entry in source.listing]
        [('/W', (2, 3)), ('/b', (2,))]
    """

    format = "link"

    def __init__(self, link: chainer.Link, name: str = "") -> None:
        self.link = link
        self.name = name or f"{type(link).__name__} (a live link)"
        self._slots = {slot.path: slot for slot in slots(link)}
        self._listing = listing(link, self.name)
        self.link_paths = tuple(p for p, _ in link.namedlinks(skipself=True))

    @property
    def listing(self) -> Listing:
        return self._listing

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        array = self._slots[path].array
        plain = isinstance(array, np.ndarray) and array.flags.c_contiguous and array.dtype.isnative
        if not plain or self._listing[path].note:
            yield from super().blocks(path)
            return
        flat = array.reshape(-1)
        step = max(BLOCK_BYTES // max(array.itemsize, 1), 1)
        for start in range(0, flat.size, step):
            yield flat[start : start + step]

    def read(self, path: str) -> np.ndarray:
        entry = self._listing[path]
        if entry.note:
            raise ArrayError(f"{self.name}::{path}: {entry.note}, there is nothing to read")
        array = chainer.backend.CpuDevice().send(self._slots[path].array)
        return np.array(array, entry.dtype, order="C")
