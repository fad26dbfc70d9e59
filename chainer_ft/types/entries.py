"""An entry is one named array; a listing is the ordered entries of a file or a link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Literal

from chainer_ft.errors import FormatError

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["param", "persistent"]


def no_link(value: object) -> str:
    """What is said of a value in the place of a link.

    Example:
        >>> no_link({}), no_link(dict)
        ('a dict is no link', 'dict is a class, not a link: write dict()')
    """
    if isinstance(value, type):
        return f"{value.__name__} is a class, not a link: write {value.__name__}()"
    return f"a {type(value).__name__} is no link"


@dataclass(frozen=True)
class Entry:
    """One named array of a file or a link, without its data.

    Args:
        path: UNIX-like, ``/conv1/W``. What stands before the last slash is the link.
        shape: ``None`` where the array does not exist yet (a lazy parameter).
        dtype: A ``numpy.dtype``, or ``None`` where the array does not exist yet.
        kind: ``param`` or ``persistent``.
        link_type: Class name of the link it belongs to, where that is known.
        bases: Class names that ``link_type`` derives from.
        shared_with: Path of the entry that owns the same array, if this is not the owner.
        transforms: What reading does to the stored numbers, one phrase a step.
        note: Why the entry is unusual (``uninitialised``, ``object array``).
        partial_shape: Of a lazy parameter, the sizes that its link knows already; ``None`` for
            one that is open.

    Example:
        >>> entry = Entry("/conv1/W", (8, 3, 3, 3), None)
        >>> entry.link, entry.name, entry.size
        ('/conv1', 'W', 216)
    """

    path: str
    shape: tuple[int, ...] | None
    dtype: np.dtype | None = None
    kind: Kind = "param"
    link_type: str | None = None
    bases: tuple[str, ...] = ()
    shared_with: str | None = None
    transforms: tuple[str, ...] = ()
    note: str = ""
    partial_shape: tuple[int | None, ...] | None = None

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or self.path.endswith("/"):
            raise ValueError(f"an entry's path is like /conv1/W, not {self.path!r}")
        if self.kind not in ("param", "persistent"):
            raise ValueError(f"{self.path}: kind is param or persistent, not {self.kind!r}")
        if self.shape is not None and any(n < 0 for n in self.shape):
            raise ValueError(f"{self.path}: negative size in shape {self.shape}")

    @property
    def link(self) -> str:
        """Path of the link that holds the array (``/`` for the root)."""
        return self.path.rpartition("/")[0] or "/"

    @property
    def name(self) -> str:
        """The attribute's name in its link."""
        return self.path.rpartition("/")[2]

    @property
    def owner(self) -> str:
        """Path of the entry that owns the array: its own, unless it is shared."""
        return self.shared_with or self.path

    @property
    def size(self) -> int:
        """Number of elements, 0 where the array does not exist yet."""
        return 0 if self.shape is None else prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the array in memory."""
        return 0 if self.dtype is None else self.size * self.dtype.itemsize

    @property
    def is_no_array(self) -> bool:
        """Whether this is a persistent that no array can stand for (a dictionary, say)."""
        return self.kind == "persistent" and bool(self.note) and not self.note.startswith("uninit")

    def check_writable(self, origin: str) -> None:
        """Raise :class:`FormatError` for what has no array and is not merely unset."""
        if self.is_no_array and self.shape is None:
            raise FormatError(
                f"{origin}::{self.path}: is {self.note}; no weights file can hold it (Chainer's "
                "save_npz refuses it, too): take it out of the link's persistents"
            )

    @property
    def is_counter(self) -> bool:
        """Whether this is a number that a link keeps beside its weights (``N``)."""
        return self.kind == "persistent" and self.shape == ()


@dataclass(frozen=True)
class Listing:
    """The ordered entries of a file or a link, without array data.

    Order is the model's own (attribute order, layer order) wherever the format keeps it.

    Args:
        entries: The entries; a path stands in it once.
        origin: Where they come from, for messages.
        ordered: Whether the order is the model's own. Chainer's ``save_npz`` and ``save_hdf5``
            write the children of a Chain in the order of a set, which is none.

    Example:
        >>> listing = Listing.of({"/fc/W": (10, 4), "/fc/b": (10,)})
        >>> listing["/fc/b"].shape, len(listing)
        ((10,), 2)
    """

    entries: tuple[Entry, ...]
    origin: str = ""
    ordered: bool = True

    def __post_init__(self) -> None:
        if len(self._by_path) != len(self.entries):
            paths = [e.path for e in self.entries]
            twice = next(p for i, p in enumerate(paths) if p in paths[:i])
            raise ValueError(f"{self.origin or 'listing'}: {twice} stands in it twice")

    @classmethod
    def of(cls, shapes: Mapping[str, tuple[int, ...] | None], origin: str = "") -> Listing:
        """Make a listing of float32 parameters from a dictionary, for tests and notebooks."""
        return cls(tuple(Entry(path, shape) for path, shape in shapes.items()), origin)

    @cached_property
    def _by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def links(self) -> dict[str, tuple[Entry, ...]]:
        """Entries grouped by the link that holds them, in order of appearance."""
        groups: dict[str, list[Entry]] = {}
        for entry in self.entries:
            groups.setdefault(entry.link, []).append(entry)
        return {link: tuple(group) for link, group in groups.items()}

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths, in order."""
        return tuple(self._by_path)

    def where(self, keep: Iterable[str]) -> Listing:
        """The entries whose path is in ``keep``, in the listing's own order."""
        wanted = set(keep)
        kept = tuple(e for e in self.entries if e.path in wanted)
        return Listing(kept, self.origin, self.ordered)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, path: object) -> bool:
        return path in self._by_path

    def __getitem__(self, path: str) -> Entry:
        return self._by_path[path]
