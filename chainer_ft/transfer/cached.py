"""A source whose numbers come from a file of the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainer_ft.errors import UnsafeError
from chainer_ft.types import Listing, Source


class Readable(Source):
    """What of a source can be read.

    Args:
        source: Any source.
    """

    def __init__(self, source: Source) -> None:
        self.name, self._source = source.name, source
        paths = [e.path for e in source.listing if e.shape is not None and not e.note]
        self._listing = source.listing.where(paths)

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._source.read(path)

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        return self._source.blocks(path)


class Cached(Source):
    """All that the original says of itself, and the numbers of its copy.

    The file of the cache may have been made from another file of the same content, so nothing
    but numbers is taken from it.

    Args:
        numbers: The copy; closed together with this one.
        source: The original, as it was opened just now; it may be closed afterwards.
    """

    def __init__(self, numbers: Source, source: Source) -> None:
        self._numbers, self._listing = numbers, source.listing
        self.name, self.format, self.whole = source.name, source.format, source.whole
        self.notes, self.details = source.notes, source.details
        self.provenance, self.link_paths = source.provenance, source.link_paths

    @staticmethod
    def fits(numbers: Source, source: Source) -> bool:
        """Whether a copy holds every array of a source, and nothing else."""
        return _arrays(numbers) == _arrays(Readable(source))

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._numbers.read(self._readable(path))

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        return self._numbers.blocks(self._readable(path))

    def close(self) -> None:
        self._numbers.close()

    def _readable(self, path: str) -> str:
        note = self.listing[path].note
        if note:
            raise UnsafeError(f"{self.name}::{path}: {note}; it is not read")
        return path


def _arrays(source: Source) -> dict[str, tuple[Any, Any]]:
    return {entry.path: (entry.shape, entry.dtype) for entry in source.listing}
