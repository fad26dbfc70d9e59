"""Source: an opened weights file, or anything else that arrays are read from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from typing_extensions import Self

    from chainer_ft.types.entries import Listing

BLOCK_BYTES = 1 << 20  # what is read, checked and written stays in the cache of a core


class Source(ABC):
    """A listing and the arrays behind it; a context manager.

    A loader returns a subclass that implements :attr:`listing` and :meth:`read`.

    Attributes:
        name: The file's path, or a phrase that stands for the model.
        format: Name of the loader.
        notes: Sentences that a reader of the listing should know.
        provenance: What a file written by chainer_ft says about its own origin.
        whole: Whether the listing is all that the file holds, so that replacing the file by
            the listing loses nothing.
        is_slow: Whether reading costs much more than the disk does (compressed, escaped).
        details: Lines that tell more of the model, for ``chainer-ft show``.
        base: What this replaces, where it is an existing file with other numbers in it.
        replaced: Paths whose numbers are not those of ``base``.
        link_paths: Paths of all links, with arrays or without, where that is known; HDF5 keeps
            a group for each.
    """

    name: str = ""
    format: str = ""
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] | None = None
    whole: bool = True
    is_slow: bool = False
    details: tuple[str, ...] = ()
    base: Source | None = None
    replaced: tuple[str, ...] = ()
    link_paths: tuple[str, ...] = ()

    @property
    @abstractmethod
    def listing(self) -> Listing:
        """The entries, without any array data read."""

    @abstractmethod
    def read(self, path: str) -> np.ndarray:
        """Read one array.

        Args:
            path: The entry's path, ``/conv1/W``.

        Returns:
            numpy.ndarray: The caller's own, of the entry's shape and dtype.

        Raises:
            KeyError: No such entry.
            FormatError: The file does not hold what its listing promised.
        """

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        """Read one array as flat pieces in C order, so that a writer need not hold it whole.

        A piece is valid until the next one is asked for.
        """
        yield self.read(path).reshape(-1)

    def for_target(self, target: Listing) -> Source:
        """The view of this source that suits a target best; itself, unless a format has several."""
        return self

    def narrow(self, prefix: str) -> bool:
        """Make the sub-tree at ``prefix`` the whole listing (``FILE::PREFIX``).

        Returns:
            bool: ``False`` where this source leaves it to the caller, or has no such sub-tree.
        """
        return False

    def close(self) -> None:  # noqa: B027  a source of no file has nothing to close
        """Give the file back. Arrays that were read stay valid."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __str__(self) -> str:
        from chainer_ft.report.text import source_table

        return source_table(self)
