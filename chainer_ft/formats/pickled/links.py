"""Finds the Chainer objects among the records, whatever their classes are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chainer_ft.errors import UnsafeError
from chainer_ft.formats.pickled.arrays import Arrays
from chainer_ft.formats.pickled.records import Bag, Call, Global, Mapping
from chainer_ft.types import Kind

MOST_SLOTS = 200_000
_DEEPEST = 64
_MADE = ("copy_reg._reconstructor", "copyreg._reconstructor", "copy_reg.__newobj__", "copyreg.__newobj__")
_CLASS_MAKERS = ("_create_type", "_make_skeleton_class", "_make_class", "_rehydrate_skeleton_class")


@dataclass(frozen=True, eq=False)
class Found:
    """One parameter, persistent or array and its place.

    Args:
        names: The path, name by name (a name may hold a slash).
        kind: ``param`` or ``persistent``.
        value: Its record.
        link_type: Name of the class of its link, as written.
        missing: Whether the registry names it and the state has it not, or not yet.
    """

    names: tuple[str, ...]
    kind: Kind
    value: Any
    link_type: str | None = None
    missing: bool = False


@dataclass(frozen=True, eq=False)
class LinkRecord:
    """A record that is a link.

    Args:
        call: The record.
        class_name: Of its class, with the module, as written.
        state: Its attributes.
        is_function_set: Of Chainer 1.0 to 1.4: it has no registries.
    """

    call: Call
    class_name: str
    state: dict[str, Any] = field(repr=False)
    is_function_set: bool = False

    @property
    def short_name(self) -> str:
        """The class's name without its module."""
        return self.class_name.rpartition(".")[2]


class Links:
    """Looks at the records of one stream as links.

    Args:
        arrays: Reads arrays and strings of the same stream.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self._known: dict[int, LinkRecord | None] = {}

    def link(self, record: Any) -> LinkRecord | None:
        """The record as a link, ``None`` where it is none."""
        if not isinstance(record, Call):
            return None
        if id(record) not in self._known:
            self._known[id(record)] = self._link(record)
        return self._known[id(record)]

    def _link(self, record: Call) -> LinkRecord | None:
        if self.arrays.find_quietly(record) is not None or self.arrays.is_variable(record):
            return None
        state = self._state(record)
        name = self.class_name(record)
        if "_params" in state and "_persistent" in state:
            return LinkRecord(record, name, state)
        if name.endswith(("FunctionSet", ".CaffeFunction")) and state:
            return LinkRecord(record, name, state, is_function_set=True)
        twins = [key for key in state if f"g{key}" in state]
        if twins and name.startswith("chainer.functions."):
            return LinkRecord(record, name, state, is_function_set=True)
        return None

    def _state(self, record: Call) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for state in record.states:
            parts = state if isinstance(state, tuple) else (state,)
            for part in parts:  # (dict, slots) where a class has slots
                merged.update(self.arrays.dictionary(part))
        return merged

    def class_name(self, record: Call) -> str:
        """Module and name of an object's class, as written."""
        func: Any = record.func
        if isinstance(func, Global) and str(func) in _MADE and record.args:
            func = record.args[0]
        for _ in range(4):
            if isinstance(func, Global):
                return str(func)
            if not isinstance(func, Call):
                break
            texts = [self.arrays.text(arg) for arg in func.args]
            if func.name.rpartition(".")[2] in _CLASS_MAKERS:
                return next((text for text in texts if text), "unknown")
            func = func.func
        return "unknown"

    def roots(self, result: Any) -> list[tuple[tuple[str, ...], LinkRecord]]:
        """The outermost links in a pickle's result, with the way to each.

        The search goes breadth-first through containers and the attributes of other objects,
        and not into links.
        """
        found: list[tuple[tuple[str, ...], LinkRecord]] = []
        seen: set[int] = set()
        queue: list[tuple[tuple[str, ...], Any]] = [((), result)]
        for way, record in queue:
            if id(record) in seen or len(way) > _DEEPEST:
                continue
            seen.add(id(record))
            link = self.link(record)
            if link is not None:
                found.append((way, link))
                continue
            queue.extend((( *way, name), inner) for name, inner in self._inside(record))
            if len(queue) > MOST_SLOTS:
                raise UnsafeError(f"{self.arrays.path}: more than {MOST_SLOTS:,} objects")
        return found

    def _inside(self, record: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(record, Mapping):
            for i, (key, value) in enumerate(record.pairs):
                yield self.arrays.text(key) or str(key if type(key) is int else i), value
        elif isinstance(record, (list, tuple)):
            for i, value in enumerate(record):
                yield str(i), value
        elif isinstance(record, Bag):
            for i, value in enumerate(record.items):
                yield str(i), value
        elif isinstance(record, Call):
            yield from self._state(record).items()
            for i, item in enumerate(record.items):
                if isinstance(item, tuple) and len(item) == 2:
                    yield self.arrays.text(item[0]) or str(i), item[1]
                else:
                    yield str(i), item
            for i, argument in enumerate(record.args):
                yield str(i), argument

    def walk(self, root: LinkRecord) -> Iterator[Found]:
        """Parameters and persistents below a link: its own, then its children's."""
        budget = [MOST_SLOTS]
        yield from self._walk(root, (), frozenset(), budget)

    def _walk(
        self, link: LinkRecord, names: tuple[str, ...], above: frozenset[int], budget: list[int]
    ) -> Iterator[Found]:
        if id(link.call) in above or len(names) > _DEEPEST:
            return  # a link inside itself
        for found in self._own(link, names):
            budget[0] -= 1
            yield found
        for name, child in self.children(link):
            budget[0] -= 1
            if budget[0] < 0:
                raise UnsafeError(
                    f"{self.arrays.path}: more than {MOST_SLOTS:,} paths; this is no model"
                )
            yield from self._walk(child, (*names, name), above | {id(link.call)}, budget)

    def _own(self, link: LinkRecord, names: tuple[str, ...]) -> Iterator[Found]:
        registries = self._twins if link.is_function_set else self._registries
        for name, kind in registries(link):
            missing = name not in link.state
            value = link.state.get(name)
            yield Found((*names, name), kind, value, link.short_name, missing)

    def _registries(self, link: LinkRecord) -> Iterator[tuple[str, Kind]]:
        """Parameters, then persistents; a list keeps its order, a set takes the attributes'."""
        lazy = self.arrays.names(link.state.get("_uninitialized_params"))
        for key, kind in (("_params", "param"), ("_persistent", "persistent")):
            names = self.arrays.names(link.state[key])
            if kind == "param":
                names = list(dict.fromkeys([*names, *lazy]))
            if not isinstance(link.state[key], list):
                names = _in_order(names, link.state)
            for name in names:
                yield name, kind  # type: ignore[misc]

    def _twins(self, link: LinkRecord) -> Iterator[tuple[str, Kind]]:
        """Chainer 1.0 to 1.4: ``W`` is a parameter because there is a gradient ``gW``."""
        state = link.state
        for name in state:
            if f"g{name}" in state and self.arrays.find_quietly(state[name]) is not None:
                yield name, "param"
        if link.short_name == "BatchNormalization":
            for name in ("avg_mean", "avg_var", "N"):
                if name in state:
                    yield name, "persistent"

    def children(self, link: LinkRecord) -> Iterator[tuple[str, LinkRecord]]:
        """The children of a Chain, ChainList, Sequential or FunctionSet."""
        if link.is_function_set:
            for name, value in self._function_set(link):
                child = self.link(value)
                if child is not None:
                    yield name, child
            return
        registry = link.state.get("_children")
        items = registry if isinstance(registry, list) else None
        if items is not None and any(isinstance(item, Call) for item in items):
            for i, item in enumerate(items):
                child = self.link(item)
                if child is not None:
                    yield str(i), child
            return
        names = self.arrays.names(registry)
        # Chainer 1 kept a list, in the order of registration; its dictionaries have none.
        for name in names if isinstance(registry, list) else _in_order(names, link.state):
            child = self.link(link.state.get(name))
            if child is not None:
                yield name, child

    def _function_set(self, link: LinkRecord) -> Iterator[tuple[str, Any]]:
        """The functions of a FunctionSet; CaffeFunction 1.4 kept its own under ``fs``."""
        inner = self.link(link.state.get("fs"))
        yield from (inner or link).state.items()


def _in_order(names: list[str], state: dict[str, Any]) -> list[str]:
    """Names of a set in the order of the attributes; what has no attribute comes last."""
    order = {name: i for i, name in enumerate(state)}
    return sorted(names, key=lambda name: order.get(name, len(order)))
