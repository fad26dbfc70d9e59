"""What a folder, a list or a database of images holds: items, classes, and what is wrong."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from chainer_ft.errors import FormatError
from chainer_ft.images.picture import Picture
from chainer_ft.report.table import align, printable

_SHOWN = 20  # broken images that are printed


class Item(NamedTuple):
    """One image.

    Attributes:
        key: What the store finds it by: a path, or a place in a file.
        label: Number of its class.
    """

    key: str
    label: int


class Named(NamedTuple):
    """One image whose class has no number yet."""

    key: str
    name: str


class Broken(NamedTuple):
    """An image that is left out.

    Attributes:
        path: Of the file, or its place in one.
        reason: Why.
    """

    path: str
    reason: str


class Store(Protocol):
    """Where images are; small, and the same in every process."""

    def file(self, key: str) -> str:
        """The file that the picture of a key is in."""
        ...

    def open(self, key: str) -> Picture:
        """The picture of a key.

        Raises:
            FormatError: It cannot be read.
        """
        ...


def stamp(path: str) -> tuple[int, ...]:
    """What changes when a file is written again.

    Raises:
        FormatError: It is not there any more.
    """
    try:
        stat = os.stat(path)
    except OSError as error:
        raise FormatError(f"{path}: cannot be opened: {error.strerror}") from error
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


@dataclass(frozen=True)
class Found:
    """What one kind of source holds, before it is checked and split.

    Args:
        kind: ``folder``, ``csv``, ``list``, ``npz`` or ``lmdb``.
        store: What opens the images.
        train: All images, or those for training.
        val: Those for validation, where the source itself says which.
        classes: Names of the classes, where the source gives them an order.
        broken: What is missing.
        notes: What one should know.
        is_checked: Whether the images are known to be whole.
    """

    kind: str
    store: Store
    train: tuple[Named, ...]
    val: tuple[Named, ...] | None = None
    classes: tuple[str, ...] = ()
    broken: tuple[Broken, ...] = ()
    notes: tuple[str, ...] = ()
    is_checked: bool = False


@dataclass(frozen=True)
class Images:
    """Images with their classes, in two parts. ``print`` shows counts and what is wrong.

    Args:
        source: What was given to :func:`find`.
        kind: ``folder``, ``csv``, ``list``, ``npz`` or ``lmdb``.
        classes: Names; a label is a place in here.
        train: For training.
        val: For validation; of every class that has two images at least one is here.
        store: What opens them.
        broken: What is left out, and why.
        notes: What one should know: classes with few images, files that are no images.
    """

    source: str
    kind: str
    classes: tuple[str, ...]
    train: tuple[Item, ...]
    val: tuple[Item, ...]
    store: Store
    broken: tuple[Broken, ...] = ()
    notes: tuple[str, ...] = ()

    def open(self, item: Item) -> Picture:
        """The picture of an item.

        Raises:
            FormatError: It cannot be read.
        """
        return self.store.open(item.key)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Images for training and for validation, by class."""
        train, val = (Counter(item.label for item in part) for part in (self.train, self.val))
        return {name: (train[label], val[label]) for label, name in enumerate(self.classes)}

    def digest(self) -> str:
        """A text that tells these images, classes and parts from others; no file is opened."""
        told = repr((self.classes, self.train, self.val))
        return blake2b(told.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Counts and complaints as plain data, without the items."""
        return {
            "source": self.source,
            "kind": self.kind,
            "classes": [
                {"name": name, "train": train, "val": val}
                for name, (train, val) in self.counts().items()
            ],
            "broken": [one._asdict() for one in self.broken],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{printable(self.source)} ({self.kind})"
        counts = [(name, str(t), str(v)) for name, (t, v) in self.counts().items()]
        total = ("all", str(len(self.train)), str(len(self.val)))
        yield from align([("class", "train", "val"), *counts, total], right=(1, 2))
        if self.broken:
            yield f"{len(self.broken)} broken, left out:"
        for path, reason in self.broken[:_SHOWN]:
            yield f"  {printable(f'{path}: {reason}')}"
        if len(self.broken) > _SHOWN:
            yield f"  and {len(self.broken) - _SHOWN} more"
        yield from (f"note: {printable(note)}" for note in self.notes)
