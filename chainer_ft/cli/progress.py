"""A progress bar on stderr, on a terminal, for what takes more than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from chainer_ft.types import Listing, Source

if TYPE_CHECKING:
    import numpy as np

_PATIENCE = 2.0
_WIDTH = 30


class Watched(Source):
    """A source that shows how much of it has been read.

    Args:
        inner: The source.
    """

    def __init__(self, inner: Source) -> None:
        self.inner = inner
        self.name, self.format, self.whole = inner.name, inner.format, inner.whole
        self.notes, self.provenance = inner.notes, inner.provenance
        self.details, self.link_paths = inner.details, inner.link_paths
        self._total = sum(entry.nbytes for entry in inner.listing)
        self._done, self._start, self._drawn = 0, time.monotonic(), 0.0

    @property
    def listing(self) -> Listing:
        return self.inner.listing

    def read(self, path: str) -> np.ndarray:
        array = self.inner.read(path)
        self._advance(array.nbytes)
        return array

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        for block in self.inner.blocks(path):
            yield block
            self._advance(block.nbytes)

    def for_target(self, target: Listing) -> Source:
        suited = self.inner.for_target(target)
        return self if suited is self.inner else Watched(suited)

    def _advance(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._start > _PATIENCE and now - self._drawn > 0.1:
            self._drawn = now
            self._draw()
        if self._drawn and self._done >= self._total:
            sys.stderr.write("\r\x1b[K")

    def _draw(self) -> None:
        share = min(self._done / max(self._total, 1), 1.0)
        bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
        sys.stderr.write(f"\r[{bar}] {share:4.0%} of {self._total / 1e6:,.0f} MB")
        sys.stderr.flush()


def watched(source: Source) -> Source:
    """The source with a progress bar, where somebody is there to see it."""
    return Watched(source) if sys.stderr.isatty() else source


def counted(what: str) -> Callable[[int, int], None]:
    """A function that shows how many of how many are done.

    Args:
        what: What is counted.
    """
    start, drawn = time.monotonic(), 0.0

    def show(done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - start > _PATIENCE and now - drawn > 0.1 and done < total:
            drawn = now
            sys.stderr.write(f"\r{done:,} of {total:,} {what}\x1b[K")
            sys.stderr.flush()
        elif drawn and done >= total:
            sys.stderr.write("\r\x1b[K")

    return show
