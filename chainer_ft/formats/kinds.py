"""Which entries of a file are parameters and which are persistents. Pure.

Neither npz nor HDF5 says so. What is known: a link writes its parameters first, then its
persistents, then its children; a parameter is a floating-point array; BatchNormalization
calls its statistics ``avg_mean``, ``avg_var`` and ``N``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from chainer_ft.types.entries import Entry

_STATISTIC = re.compile(r"(avg|running|moving)_(mean|var)|N|mean|mean_\w+|\w+_mean")
_PARAMETER = frozenset(("W", "b", "gamma", "beta"))


def infer_kinds(entries: Sequence[Entry], known: Collection[str] = ()) -> tuple[Entry, ...]:
    """Set the kind of each entry.

    Args:
        entries: In the order of the file.
        known: Paths that are parameters for sure (an optimizer has state for them).

    Returns:
        tuple of Entry: The same entries in the same order.

    Example:
        >>> import numpy as np
        >>> f4, i8 = np.dtype("f4"), np.dtype("i8")
        >>> made = infer_kinds([Entry("/bn/gamma", (3,), f4), Entry("/bn/N", (), i8),
        ...                     Entry("/bn/last", (3,), f4)])
        >>> [entry.kind for entry in made]
        ['param', 'persistent', 'persistent']
    """
    links: dict[str, list[Entry]] = {}
    for entry in entries:
        links.setdefault(entry.link, []).append(entry)
    in_order = _keeps_order(entries)
    persistent = {
        entry.path
        for group in links.values()
        for entry in _persistents(group, in_order)
        if entry.path not in known
    }
    return tuple(
        replace(e, kind="persistent" if e.path in persistent else "param") for e in entries
    )


def _persistents(group: Sequence[Entry], in_order: bool) -> list[Entry]:
    """The persistents of one link."""
    sure = [_is_surely_persistent(entry) for entry in group]
    first = sure.index(True) if in_order and any(sure) else len(group)
    # Where order is lost (hash order of dicts and sets), siblings of one prefix are alike.
    stems = {_stem(e) for e, is_sure in zip(group, sure, strict=True) if is_sure and "_" in e.name}
    return [
        entry
        for i, entry in enumerate(group)
        if sure[i] or (entry.name not in _PARAMETER and (i >= first or _stem(entry) in stems))
    ]


def _stem(entry: Entry) -> str:
    return entry.name.partition("_")[0]


def _is_surely_persistent(entry: Entry) -> bool:
    if entry.name in _PARAMETER:
        return False
    if entry.dtype is not None:
        numeric = entry.dtype.kind == "f" and entry.dtype.isnative
        if not numeric or (entry.shape == () and entry.dtype.itemsize == 8):
            return True  # a Python float is saved as a float64 scalar
    return _STATISTIC.fullmatch(entry.name) is not None


def _keeps_order(entries: Sequence[Entry]) -> bool:
    """Whether each link's entries stand together, as Chainer writes them."""
    links = [entry.link for entry in entries]
    runs = [link for i, link in enumerate(links) if i == 0 or links[i - 1] != link]
    return len(runs) == len(set(runs))
