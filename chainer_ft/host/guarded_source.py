"""A plugin's source behind a guard, held to what its own listing says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from chainer_ft.types import Entry, Listing, Source

if TYPE_CHECKING:
    import numpy as np

_Guard = Callable[[str], AbstractContextManager[None]]


class GuardedSource(Source):
    """The source of a third party.

    Args:
        inner: The plugin's source.
        guard: Turns what it raises into a PluginError.
        what: File and loader, for messages.
    """

    def __init__(self, inner: Source, guard: _Guard, what: str) -> None:
        self._inner, self._guard, self._what = inner, guard, what
        self._theirs = self._ours = Listing(())
        self._describe()

    def _describe(self) -> None:
        inner = self._inner
        self.name, self.format, self.notes = inner.name, inner.format, inner.notes
        self.provenance, self.whole = inner.provenance, inner.whole
        self.link_paths = inner.link_paths

    @property
    def listing(self) -> Listing:
        with self._guard(self._what):
            listing = self._inner.listing
            if not isinstance(listing, Listing):
                raise TypeError(f"listing is {listing!r}, not a Listing")
        if listing is not self._theirs:
            self._theirs = listing
            self._ours = replace(listing, origin=listing.origin or self.name)
        return self._ours

    def read(self, path: str) -> np.ndarray:
        entry = self.listing[path]
        with self._guard(self._what):
            array = self._inner.read(path)
            _check(entry, array.shape, array.dtype)
            return array

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        entry, left = self.listing[path], self.listing[path].size
        with self._guard(self._what):
            blocks = iter(self._inner.blocks(path))
        while True:
            with self._guard(self._what):
                block = next(blocks, None)
                left -= 0 if block is None else block.size
                if left < 0 or (block is None and left):
                    words = "more" if left < 0 else "fewer"
                    raise ValueError(
                        f"{path} has {words} numbers than its entry says, {entry.size}"
                    )
                if block is None:
                    return
                _check(entry, entry.shape, block.dtype)
            yield block

    def for_target(self, target: Listing) -> Source:
        with self._guard(self._what):
            suited = self._inner.for_target(target)
        return self if suited is self._inner else GuardedSource(suited, self._guard, self._what)

    def narrow(self, prefix: str) -> bool:
        with self._guard(self._what):
            narrowed = self._inner.narrow(prefix)
        self._describe()
        return narrowed

    def close(self) -> None:
        with self._guard(self._what):
            self._inner.close()


def _check(entry: Entry, shape: object, dtype: object) -> None:
    if shape != entry.shape or dtype != entry.dtype:
        raise ValueError(
            f"{entry.path} is {shape} {dtype} where its entry says {entry.shape} {entry.dtype}"
        )
