"""Files that are the same byte for byte: in both parts, or in two classes."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from chainer_ft.images.items import Named

_SHOWN = 5


def copies(root: str, items: Iterable[Named]) -> list[list[Named]]:
    """Groups of items whose files are the same; only files of equal size are read.

    Args:
        root: What their keys are relative to.
        items: The items.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> root = tempfile.mkdtemp()
        >>> for name, text in (("a", "same"), ("b", "same"), ("c", "else"), ("d", "other")):
        ...     _ = Path(root, name).write_text(text)
        >>> [[item.key for item in group] for group in copies(root, [Named(n, "") for n in "abcd"])]
        [['a', 'b']]
    """
    by_size = _grouped(items, lambda item: os.path.getsize(os.path.join(root, item.key)))
    return [
        group
        for one in by_size
        for group in _grouped(one, lambda item: _digest(os.path.join(root, item.key)))
    ]


def _grouped(items: Iterable[Named], what: Callable[[Named], Hashable]) -> list[list[Named]]:
    """Those that have something in common, where there is more than one."""
    groups: dict[Hashable, list[Named]] = defaultdict(list)
    for item in items:
        groups[what(item)].append(item)
    return [group for group in groups.values() if len(group) > 1]


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.blake2b(file.read()).digest()


def complaints(root: str, train: Sequence[Named], val: Sequence[Named]) -> list[str]:
    """Sentences about images that are judged and learned, or that are in two classes."""
    groups, learned = copies(root, (*train, *val)), set(train)
    twins = {item for group in groups if not learned.isdisjoint(group) for item in group}
    seen = [item.key for item in val if item in twins]
    torn = [group[0].key for group in groups if len({item.name for item in group}) > 1]
    said = []
    if seen:
        said.append(
            f"of the images for validation {len(seen)} are copies of ones to train on, which makes "
            f"the accuracy look better: {listed(seen)}"
        )
    if torn:
        said.append(f"the same file is in two classes or more: {listed(torn)}")
    return said


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more.

    Example:
        >>> listed("abcdefg")
        'a, b, c, d, e and 2 more'
    """
    shown = ", ".join(names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
