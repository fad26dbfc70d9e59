"""Pickles without a link: dictionaries and lists of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainer_ft.formats.pickled.arrays import Arrays
from chainer_ft.formats.pickled.links import MOST_SLOTS, Found
from chainer_ft.formats.pickled.records import Call, Mapping

_DEEPEST = 32


def plain_arrays(arrays: Arrays, results: list[Any]) -> Iterator[Found]:
    """The arrays in nested dictionaries and lists, by key and index; each place once."""
    root = results[0] if len(results) == 1 else list(results)
    budget = [MOST_SLOTS]
    yield from _walk(arrays, root, (), frozenset(), budget)


def _walk(
    arrays: Arrays, record: Any, names: tuple[str, ...], above: frozenset[int], budget: list[int]
) -> Iterator[Found]:
    budget[0] -= 1
    if id(record) in above or len(names) > _DEEPEST or budget[0] < 0:
        return
    if arrays.find_quietly(record) is not None:
        yield Found(names or ("array",), "param", record)
        return
    for name, inner in _items(arrays, record):
        if name and not name.endswith("/"):
            path = (*names, name.strip("/"))
            yield from _walk(arrays, inner, path, above | {id(record)}, budget)


def _items(arrays: Arrays, record: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(record, Mapping):
        for key, value in record.pairs:
            name = arrays.text(key) if not isinstance(key, int) else str(key)
            if name:
                yield name, value
    elif isinstance(record, (list, tuple)):
        for i, value in enumerate(record):
            yield str(i), value
    elif isinstance(record, Call):  # OrderedDict, defaultdict and their like
        for i, item in enumerate(record.items):
            if isinstance(item, tuple) and len(item) == 2 and (name := arrays.text(item[0])):
                yield name, item[1]
            else:
                yield str(i), item
        for argument in record.args:  # Python 2's OrderedDict([[key, value], ...])
            for pair in argument if isinstance(argument, list) else ():
                if isinstance(pair, (list, tuple)) and len(pair) == 2 and (
                    name := arrays.text(pair[0])
                ):
                    yield name, pair[1]
