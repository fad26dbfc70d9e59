"""One part of a source, as a source of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainer_ft.types import Listing, Source


class Subtree(Source):
    """``FILE::PREFIX``: what is below the prefix, the prefix taken off.

    Args:
        whole: The source; closed together with this one.
        prefix: ``/predictor``.
    """

    whole = False

    def __init__(self, whole: Source, prefix: str) -> None:
        self.name, self.format = f"{whole.name}::{prefix}", whole.format
        self.notes, self.provenance = whole.notes, whole.provenance
        self.is_slow, self.details = whole.is_slow, whole.details
        self._whole, self._prefix = whole, prefix
        inside = tuple(e for e in whole.listing if e.path.startswith(prefix + "/"))
        self._listing = Listing(
            tuple(
                replace(e, path=e.path[len(prefix) :], shared_with=self._cut(e.shared_with))
                for e in inside
            ),
            self.name,
            whole.listing.ordered,
        )

    def _cut(self, path: str | None) -> str | None:
        inside = path is not None and path.startswith(self._prefix + "/")
        return path[len(self._prefix) :] if path is not None and inside else None

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._whole.read(self._prefix + path)

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        return self._whole.blocks(self._prefix + path)

    def close(self) -> None:
        self._whole.close()
