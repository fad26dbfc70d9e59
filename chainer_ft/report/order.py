"""In which order entries are shown: the model's own, or, where a file keeps none, one to read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeAlias

from chainer_ft.types import Entry, Listing, Plan

Key: TypeAlias = "tuple[object, ...]"
_USUAL = ("W", "b", "gamma", "beta", "N", "avg_mean", "avg_var")


def in_order(listing: Listing) -> tuple[Entry, ...]:
    """The entries as they are shown.

    Stock Chainer writes links and their arrays in the order of a set, another one each time.
    Instead of that one: links by name, numbers in names as numbers; in a link ``W`` first.

    Example:
        >>> from chainer_ft.types import Entry, Listing
        >>> paths = ["/conv10/W", "/conv2/b", "/conv2/W"]
        >>> stock = Listing(tuple(Entry(path, (1,)) for path in paths), ordered=False)
        >>> [entry.path for entry in in_order(stock)]
        ['/conv2/W', '/conv2/b', '/conv10/W']
    """
    return listing.entries if listing.ordered else tuple(sorted(listing, key=_key))


def plan_in_order(plan: Plan) -> Plan:
    """The same plan, its parts in the order of the listings."""
    source, target = _places(plan.source), _places(plan.target)
    sides = {"source": source, "target": target}
    ties = [
        replace(
            tie,
            sources=tuple(sorted(tie.sources, key=source.__getitem__)),
            targets=tuple(sorted(tie.targets, key=target.__getitem__)),
        )
        for tie in plan.ambiguous
    ]
    return replace(
        plan,
        pairs=tuple(sorted(plan.pairs, key=lambda pair: target[pair.target])),
        missing=tuple(sorted(plan.missing, key=target.__getitem__)),
        unexpected=tuple(sorted(plan.unexpected, key=source.__getitem__)),
        ambiguous=tuple(sorted(ties, key=lambda tie: [target[path] for path in tie.targets])),
        skipped=tuple(sorted(plan.skipped, key=lambda skip: sides[skip.side][skip.path])),
    )


def _places(listing: Listing) -> dict[str, int]:
    return {entry.path: place for place, entry in enumerate(in_order(listing))}


def _key(entry: Entry) -> Key:
    place = _USUAL.index(entry.name) if entry.name in _USUAL else len(_USUAL)
    links = tuple(_natural(name) for name in entry.link.split("/"))
    return links, place, _natural(entry.name)


def _natural(name: str) -> Key:
    """``conv10`` after ``conv2``."""
    parts = re.split("([0-9]+)", name)
    return tuple(_number(part) if i % 2 else part for i, part in enumerate(parts))


def _number(digits: str) -> Key:
    """Digits by their value, however many, and equal ones by their zeros."""
    value = digits.lstrip("0")
    return len(value), value, digits
