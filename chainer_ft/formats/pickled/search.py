"""Finds the outermost links among the records of a pickle."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from chainer_ft.errors import UnsafeError
from chainer_ft.formats.pickled.links import LinkRecord, Links
from chainer_ft.formats.pickled.records import Bag, Call, Mapping
from chainer_ft.formats.pickled.texts import Texts

_DEEPEST = 64
_CONTAINERS = frozenset([Call, Mapping, Bag, list, tuple])
#: A way is a chain: the way before, the last name, its length. Too long ones are not kept.
_Way = tuple[Any, str, int] | None


def roots(links: Links, result: Any) -> list[tuple[tuple[str, ...], LinkRecord]]:
    """The outermost links in a pickle's result, with the way to each.

    The search goes breadth-first through containers and the attributes of other objects, and
    not into links; it looks into each record once.

    Args:
        links: Looks at the records as links.
        result: What the machine left.
    """
    found: list[tuple[tuple[str, ...], LinkRecord]] = []
    seen = {id(result)}
    queue: deque[tuple[_Way, Any]] = deque()
    if type(result) in _CONTAINERS:
        queue.append((None, result))
    while queue:
        way, record = queue.popleft()
        link = links.link(record)
        if link is not None:
            found.append((_names(way, links.arrays.path), link))
            continue
        depth = way[2] + 1 if way else 1
        before = way if depth <= _DEEPEST else None
        for name, inner in _inside(links.texts, record, seen):
            if id(inner) not in seen:
                seen.add(id(inner))
                queue.append(((before, name, depth), inner))
    return found


def _names(way: _Way, path: str) -> tuple[str, ...]:
    if way and way[2] > _DEEPEST:
        raise UnsafeError(f"{path}: a link lies more than {_DEEPEST} objects deep; no model")
    names: list[str] = []
    while way is not None:
        way, name, _ = way
        names.append(name)
    return tuple(reversed(names))


def _inside(texts: Texts, record: Any, seen: set[int]) -> Iterable[tuple[str, Any]]:
    """What a record holds, of the kinds that hold something themselves."""
    if isinstance(record, Call):
        return _inside_call(texts, record, seen)
    if isinstance(record, Mapping):
        pairs = enumerate(record.pairs)
        return [(texts.key(k, i), v) for i, (k, v) in pairs if type(v) in _CONTAINERS]
    items = record.items if isinstance(record, Bag) else record
    return [(str(i), value) for i, value in enumerate(items) if type(value) in _CONTAINERS]


def _inside_call(texts: Texts, call: Call, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Attributes, items, arguments. Many calls may share one tuple or state: each is seen once."""
    for state in call.states:
        for part in state[:2] if isinstance(state, tuple) else (state,):
            if isinstance(part, Mapping) and id(part) not in seen:
                seen.add(id(part))
                yield from _inside(texts, part, seen)
            elif type(part) in _CONTAINERS:
                yield "state", part
    for i, item in enumerate(call.items):
        if isinstance(item, tuple) and len(item) == 2:
            if type(item[1]) in _CONTAINERS:
                yield texts.key(item[0], i), item[1]
        elif type(item) in _CONTAINERS:
            yield str(i), item
    if id(call.args) not in seen:
        seen.add(id(call.args))
        yield from _inside(texts, call.args, seen)
