"""Pickles without a link: dictionaries and lists of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainer_ft.formats.pickled.arrays import Arrays
from chainer_ft.formats.pickled.links import Found
from chainer_ft.formats.pickled.records import Call, Mapping

_DEEPEST = 32


def plain_arrays(arrays: Arrays, results: list[Any]) -> list[Found]:
    """The arrays in nested dictionaries and lists, by key and index.

    Args:
        arrays: Reads arrays of the stream.
        results: What the machine left, pickle by pickle.

    Raises:
        UnsafeError: There are more than any model has.
    """
    walk = _Walk(arrays)
    walk.into(results[0] if len(results) == 1 else list(results), (), ())
    return walk.found


class _Walk:
    """Goes everywhere, but not twice into what holds no array: histories are long."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.found: list[Found] = []
        self._visited: set[int] = set()
        self._barren: set[int] = set()

    def into(self, record: Any, names: tuple[str, ...], above: tuple[int, ...]) -> bool:
        """Look below a record; returns whether it was searched to its ends for nothing."""
        if not isinstance(record, (Call, Mapping, list, tuple)) or id(record) in self._barren:
            return True
        if self.arrays.find_quietly(record) is not None:
            self.arrays.texts.count_path()
            self.found.append(Found(names or ("array",), "param", record))
            return False
        if id(record) in above or len(above) > _DEEPEST:
            return False
        barren = True
        for name, inner in self._items(record):
            barren &= self.into(inner, (*names, name), (*above, id(record)))
        if barren:
            self._barren.add(id(record))
        return barren

    def _items(self, record: Any) -> list[tuple[str, Any]]:
        items = [(_name(name, i), inner) for i, (name, inner) in enumerate(self._inside(record))]
        self._count(record, len(items))
        return items

    def _count(self, record: Any, size: int) -> None:
        """The second visit to a record, and each after it, counts as new paths."""
        if id(record) in self._visited:
            self.arrays.texts.count_path(size + 1)
        self._visited.add(id(record))

    def _inside(self, record: Any) -> Iterator[tuple[str, Any]]:
        key = self.arrays.texts.key
        if isinstance(record, Mapping):
            yield from ((key(k, i), value) for i, (k, value) in enumerate(record.pairs))
        elif isinstance(record, (list, tuple)):
            yield from ((str(i), value) for i, value in enumerate(record))
        else:  # OrderedDict, defaultdict and their like
            for i, item in enumerate(record.items):
                is_pair = isinstance(item, tuple) and len(item) == 2
                yield (key(item[0], i), item[1]) if is_pair else (str(i), item)
            pairs = record.args[0] if record.args else None
            if isinstance(pairs, list):  # Python 2's OrderedDict([[key, value], ...])
                self._count(pairs, len(pairs))
                for i, pair in enumerate(pairs):
                    if isinstance(pair, (list, tuple)) and len(pair) == 2:
                        yield key(pair[0], i), pair[1]


def _name(name: str, index: int) -> str:
    """Some wrote whole paths as keys: ``/conv1/W``."""
    return name.strip("/") or str(index)
