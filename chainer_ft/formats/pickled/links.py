"""Finds the Chainer objects among the records, whatever their classes are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chainer_ft.errors import UnsafeError
from chainer_ft.formats.pickled.arrays import Arrays
from chainer_ft.formats.pickled.records import Call, Global
from chainer_ft.types import Kind

_DEEPEST = 64
_MADE = {
    f"{module}.{name}"
    for module in ("copy_reg", "copyreg")
    for name in ("_reconstructor", "__newobj__")
}
_CLASS_MAKERS = (
    *("_create_type", "_make_skeleton_class", "_make_class", "_rehydrate_skeleton_class"),
)


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
        self.arrays, self.texts = arrays, arrays.texts
        self._known: dict[Call, LinkRecord | None] = {}
        self._own_names: dict[Call, list[tuple[str, Kind]]] = {}
        self._children: dict[Call, list[tuple[str, LinkRecord]]] = {}

    def link(self, record: Any) -> LinkRecord | None:
        """The record as a link, ``None`` where it is none."""
        if not isinstance(record, Call):
            return None
        if record not in self._known:
            self._known[record] = self._link(record)
        return self._known[record]

    def _link(self, record: Call) -> LinkRecord | None:
        if not record.states or self.arrays.find_quietly(record) is not None:
            return None
        if self.arrays.is_variable(record):
            return None
        state = self._state(record)
        name = self.class_name(record)
        if "_params" in state and "_persistent" in state:
            return LinkRecord(record, name, state)
        is_old = bool(state) and name.endswith(("FunctionSet", ".CaffeFunction"))
        if is_old or (name.startswith("chainer.functions.") and self._has_twins(state)):
            return LinkRecord(record, name, state, is_function_set=True)
        return None

    def _state(self, record: Call) -> dict[str, Any]:
        """The attributes: of one dictionary, or of ``(dictionary, slots)``."""
        parts: list[Any] = []
        for state in record.states:
            parts += state[:2] if isinstance(state, tuple) else (state,)
        found = [part for part in map(self.texts.dictionary, parts) if part]
        if len(found) < 2:
            return found[0] if found else {}
        merged: dict[str, Any] = {}
        for part in found:
            self.texts.spend(len(part))
            merged.update(part)
        return merged

    def _has_twins(self, state: dict[str, Any]) -> bool:
        self.texts.spend(len(state))
        return any(f"g{key}" in state for key in state)

    def class_name(self, record: Call) -> str:
        """Module and name of an object's class, as written."""
        func: Any = record.func
        if isinstance(func, Global) and func.full in _MADE and record.args:
            func = record.args[0]
        for _ in range(4):
            if isinstance(func, Global):
                return func.full
            if not isinstance(func, Call):
                break
            if func.name.rpartition(".")[2] in _CLASS_MAKERS:
                texts = map(self.texts.text, func.args[:8])
                return next((text for text in texts if text), "unknown")
            func = func.func
        return "unknown"

    def walk(self, root: LinkRecord, way: tuple[str, ...] = ()) -> Iterator[Found]:
        """Parameters and persistents below a link: its own, then its children's.

        Args:
            root: The link.
            way: What all their paths begin with.

        Raises:
            UnsafeError: There are more than any model has, or a link is inside itself.
        """
        yield from self._walk(root, way, ())

    def _walk(
        self, link: LinkRecord, names: tuple[str, ...], above: tuple[Call, ...]
    ) -> Iterator[Found]:
        if link.call in above or len(above) > _DEEPEST:
            way = "/" + "/".join(names)
            why = "is inside itself" if link.call in above else f"is more than {_DEEPEST} deep"
            raise UnsafeError(f"{self.arrays.path}: the link at {way[:200]!a} {why}; no model")
        for name, kind in self._own(link):
            self.texts.count_path()
            missing = name not in link.state
            value = link.state.get(name)
            yield Found((*names, name), kind, value, link.short_name, missing)
        for name, child in self.children(link):
            self.texts.count_path()
            yield from self._walk(child, (*names, name), (*above, link.call))

    def _own(self, link: LinkRecord) -> list[tuple[str, Kind]]:
        """Names and kinds of a link's own entries."""
        if link.call not in self._own_names:
            found = self._twins(link) if link.is_function_set else self._registries(link)
            self._own_names[link.call] = list(found)
        return self._own_names[link.call]

    def _registries(self, link: LinkRecord) -> Iterator[tuple[str, Kind]]:
        """Parameters, then persistents."""
        lazy = self.texts.names(link.state.get("_uninitialized_params"))
        for name in dict.fromkeys([*self._ordered(link, "_params"), *lazy]):
            yield name, "param"
        for name in self._ordered(link, "_persistent"):
            yield name, "persistent"

    def _ordered(self, link: LinkRecord, registry: str) -> list[str]:
        """Names of a registry: a list is in the order of registration, and Chainer 1 had no
        other; a set takes the order of the attributes, what has none comes last."""
        record = link.state.get(registry)
        names = self.texts.names(record)
        self.texts.spend(len(names))
        if isinstance(record, list):
            return names
        self.texts.spend(len(link.state))
        order = {name: i for i, name in enumerate(link.state)}
        return sorted(names, key=lambda name: order.get(name, len(order)))

    def _twins(self, link: LinkRecord) -> Iterator[tuple[str, Kind]]:
        """Chainer 1.0 to 1.4: ``W`` is a parameter because there is a gradient ``gW``."""
        state = link.state
        self.texts.spend(len(state))
        for name in state:
            if f"g{name}" in state and self.arrays.find_quietly(state[name]) is not None:
                yield name, "param"
        if link.short_name == "BatchNormalization":
            for name in ("avg_mean", "avg_var", "N"):
                if name in state:
                    yield name, "persistent"

    def children(self, link: LinkRecord) -> list[tuple[str, LinkRecord]]:
        """The children of a Chain, ChainList, Sequential or FunctionSet."""
        if link.call not in self._children:
            named = self._functions(link) if link.is_function_set else self._registered(link)
            pairs = ((name, self.link(value)) for name, value in named)
            self._children[link.call] = [(name, child) for name, child in pairs if child]
        return self._children[link.call]

    def _registered(self, link: LinkRecord) -> Iterator[tuple[str, Any]]:
        registry = link.state.get("_children")
        if isinstance(registry, list) and any(isinstance(item, Call) for item in registry):
            calls = link.state.get("_layers")  # a Sequential numbers its links in another order
            calls = calls if isinstance(calls, list) else []
            self.texts.spend(len(registry) + len(calls))
            places = {id(layer): i for i, layer in enumerate(calls)}
            numbered = [(str(i), item) for i, item in enumerate(registry)]
            yield from sorted(numbered, key=lambda pair: places.get(id(pair[1]), 0))
            return
        for name in self._ordered(link, "_children"):
            yield name, link.state.get(name)

    def _functions(self, link: LinkRecord) -> Iterator[tuple[str, Any]]:
        """The functions of a FunctionSet; CaffeFunction 1.4 kept its own under ``fs``."""
        inner = self.link(link.state.get("fs"))
        state = (inner or link).state
        self.texts.spend(len(state))
        yield from state.items()
