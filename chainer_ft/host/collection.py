"""What plugins provide, by kind and name, and which names are claimed twice."""

from __future__ import annotations

from typing import Any, TypeVar

from chainer_ft.host.guard import Guard, guarded
from chainer_ft.host.records import KINDS, Conflict, Provided
from chainer_ft.host.registry import Registry
from chainer_ft.types import (
    CaffeLayer,
    ExtensionFactory,
    MatchPolicy,
    Saver,
    SourceLoader,
    Subcommand,
)

T = TypeVar("T", SourceLoader, Saver, MatchPolicy, ExtensionFactory, Subcommand, CaffeLayer)


class Collection:
    """The answers of all plugins, kind by kind, asked for when they are needed.

    Args:
        registry: The plugins.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._found: dict[type, dict[str, Provided[Any]]] = {}
        self._conflicts: dict[tuple[type, str], Conflict] = {}

    def forget(self) -> None:
        """Ask anew, since a plugin has come."""
        self._found.clear()
        self._conflicts.clear()

    def all(self, kind: type[T]) -> dict[str, Provided[T]]:
        """Everything of one kind by name; of what two plugins claim, the built-in one."""
        if kind not in self._found:
            self._found[kind] = self._collect(kind)
        return self._found[kind]

    def conflict(self, kind: type, name: str) -> Conflict | None:
        """Who claims a name, if they are several; known when the kind has been asked for."""
        return self._conflicts.get((kind, name))

    def conflicts(self) -> tuple[Conflict, ...]:
        """Every name that is claimed twice."""
        for kind in KINDS:
            self.all(kind)
        return tuple(self._conflicts.values())

    def _collect(self, kind: type[T]) -> dict[str, Provided[T]]:
        claims: dict[str, list[Provided[T]]] = {}
        for key in self._registry:
            for item in self._items(key, kind):
                claims.setdefault(item.name, []).append(Provided(item, key))
        found = {}
        for name, providers in claims.items():
            own = [p for p in providers if p.plugin in self._registry.builtin]
            if len(providers) > 1:
                self._registry.say(str(self._conflict(kind, name, [p.plugin for p in providers])))
            if own or len(providers) == 1:
                found[name] = (own or providers)[0]
        return found

    def _items(self, key: str, kind: type[T]) -> list[T]:
        hook = KINDS[kind].hook
        try:
            items = []
            for result in self._registry.call(key, hook):
                if not isinstance(result, list):
                    raise TypeError(f"{hook} returned {result!r}, not a list of {kind.__name__}")
                items += result
            for item in items:
                if not isinstance(item, kind):
                    raise TypeError(f"{hook} returned {item!r}, not a {kind.__name__}")
        except (Exception, SystemExit) as error:
            self._registry.blame(key, error)
            return []
        if key in self._registry.builtin:
            return items
        return [guarded(item, guard_of(key, self._registry)) for item in items]

    def _conflict(self, kind: type, name: str, keys: list[str]) -> Conflict:
        providers = [self._registry.records[key] for key in keys]
        used = next(
            (self._registry.records[key].title for key in keys if key in self._registry.builtin), ""
        )
        last = providers[-1]
        namesakes = [r for r in self._registry.records.values() if r.name == last.name]
        remedy = last.distribution if len(namesakes) > 1 else last.name
        titles = tuple(record.title for record in providers)
        conflict = Conflict(f"{KINDS[kind].word} {name!r}", titles, used, remedy)
        self._conflicts[kind, name] = conflict
        return conflict


def guard_of(plugin: str, registry: Registry) -> Guard:
    """What turns an error of this plugin into one that names it, and records it."""
    return Guard(registry.records[plugin], lambda error: registry.record_failure(plugin, error))
