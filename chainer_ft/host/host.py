"""The PluginManager behind a typed facade. A broken plugin costs only itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import pluggy

from chainer_ft.errors import PlanRejected, PluginError, UsageError
from chainer_ft.host.loading import Loaded, Selection, load_entry_points, new_manager, validate
from chainer_ft.host.records import PluginRecord, Provided, cause_of, named
from chainer_ft.select import nearest
from chainer_ft.types import (
    ExtensionFactory,
    MatchPolicy,
    Outcome,
    Plan,
    Saver,
    SourceLoader,
    Subcommand,
)

hookimpl = pluggy.HookimplMarker("chainer_ft")
log = logging.getLogger("chainer_ft")
T = TypeVar("T", SourceLoader, Saver, MatchPolicy, ExtensionFactory, Subcommand)

_HOOKS: Mapping[type, tuple[str, str]] = {
    SourceLoader: ("chainer_ft_source_loaders", "loader"),
    Saver: ("chainer_ft_savers", "saver"),
    MatchPolicy: ("chainer_ft_match_policies", "policy"),
    ExtensionFactory: ("chainer_ft_trainer_extensions", "extension"),
    Subcommand: ("chainer_ft_subcommands", "verb"),
}


class Host:
    """All plugins, built-in and installed.

    Args:
        selection: Which plugins may be loaded.
        installed: Whether to look for installed plugins at all.

    Example:
        >>> host = Host(installed=False)
        >>> sorted(host.all(MatchPolicy))
        ['name', 'shape']
    """

    def __init__(self, selection: Selection | None = None, installed: bool = True) -> None:
        from chainer_ft import builtin

        self._selection = selection or Selection.from_environment()
        self._manager = new_manager()
        self._plugins: dict[str, object] = {}
        self._records: dict[str, PluginRecord] = {}
        self._cache: dict[type, dict[str, Provided[Any]]] = {}
        self._conflicts: dict[tuple[type, str], tuple[str, ...]] = {}
        for name, plugin in builtin.PLUGINS.items():
            self._add_builtin(name, plugin)
        if installed:
            for loaded in load_entry_points(self._selection):
                self._add(loaded)

    def register(self, plugin: object, name: str) -> None:
        """Add a plugin object by hand, as a notebook or a test does.

        Raises:
            PluginError: It is no plugin, or its name is taken.
        """
        try:
            validate(plugin)
        except Exception as error:
            raise PluginError(f"plugin {name}: {cause_of(error)}") from error
        if name in self._records:
            raise PluginError(f"plugin {name}: the name is taken")
        self._add(Loaded(PluginRecord(name, "registered by hand", "", "active"), plugin))

    def records(self) -> tuple[PluginRecord, ...]:
        """Every plugin, with what it provides and what is wrong with it."""
        provided: dict[str, list[Any]] = {name: [] for name in self._records}
        for kind in _HOOKS:
            for one in self.all(kind).values():
                provided[one.plugin].append(one.item)
        return tuple(
            replace(record, provides=named(provided[key])) for key, record in self._records.items()
        )

    def all(self, kind: type[T]) -> dict[str, Provided[T]]:
        """Everything of one kind by name; what two plugins claim is in :meth:`conflicts`."""
        if kind not in self._cache:
            self._cache[kind] = self._collect(kind)
        return self._cache[kind]

    def get(self, kind: type[T], name: str) -> Provided[T]:
        """One thing by name.

        Raises:
            PluginError: Two plugins claim the name.
            UsageError: Nobody provides it.
        """
        found = self.all(kind)
        word = _HOOKS[kind][1]
        if (kind, name) in self._conflicts and name not in found:
            raise PluginError(self._conflict(kind, name))
        if name not in found:
            raise UsageError(f"there is no {word} {name!r}; {nearest(name, found)}")
        return found[name]

    def conflicts(self) -> tuple[str, ...]:
        """A sentence for each name that two plugins claim."""
        for kind in _HOOKS:
            self.all(kind)
        return tuple(self._conflict(kind, name) for kind, name in self._conflicts)

    def problems(self) -> tuple[str, ...]:
        """A sentence for each plugin that failed and each name that is claimed twice."""
        conflicts = self.conflicts()
        broken = tuple(
            f"plugin {r.title}: {r.cause}" for r in self._records.values() if r.state == "broken"
        )
        return broken + conflicts

    def veto(self, plan: Plan) -> None:
        """Ask ``chainer_ft_plan_ready`` of every plugin.

        Raises:
            PlanRejected: A plugin forbids the plan.
        """
        for key in list(self._plugins):
            try:
                self._call(key, "chainer_ft_plan_ready", plan=plan)
            except PlanRejected as error:
                raise PlanRejected(f"plugin {key} rejects the plan: {error}") from error
            except Exception as error:
                self.blame(key, error)

    def copied(self, plan: Plan, outcome: Outcome) -> None:
        """Tell ``chainer_ft_copied`` of every plugin."""
        for key in list(self._plugins):
            try:
                self._call(key, "chainer_ft_copied", plan=plan, outcome=outcome)
            except Exception as error:
                self.blame(key, error)

    def blame(self, plugin: str, error: BaseException) -> None:
        """Record that a plugin failed, and go on without its word."""
        if self._selection.strict:
            raise error
        record = self._records[plugin]
        self._records[plugin] = replace(record, state="broken", cause=cause_of(error))
        log.warning("plugin %s failed: %s", record.title, cause_of(error))

    def _add_builtin(self, name: str, plugin: object) -> None:
        from chainer_ft import __version__

        record = PluginRecord(name, "chainer-ft", __version__, "active")
        if name in self._selection.blocked:
            self._add(Loaded(replace(record, state="blocked", cause="blocked by name")))
        else:
            self._add(Loaded(record, plugin))

    def _add(self, loaded: Loaded) -> None:
        if loaded.error is not None and self._selection.strict:
            raise loaded.error
        key = loaded.record.name
        while key in self._records:
            key += f" of {loaded.record.distribution}"
        self._records[key] = loaded.record
        self._cache.clear()
        if loaded.plugin is None:
            return
        try:
            self._manager.register(loaded.plugin, key)
        except Exception as error:
            with suppress(Exception):
                self._manager.unregister(loaded.plugin)
            self.blame(key, error)
            return
        self._plugins[key] = loaded.plugin

    def _call(self, key: str, hook: str, **arguments: Any) -> list[Any]:
        """Call one plugin alone, and drain what it yields."""
        others = [plugin for name, plugin in self._plugins.items() if name != key]
        caller: Callable[..., list[Any]] = self._manager.subset_hook_caller(hook, others)
        return [list(r) if isinstance(r, Iterable) else r for r in caller(**arguments)]

    def _collect(self, kind: type[T]) -> dict[str, Provided[T]]:
        claims: dict[str, list[Provided[T]]] = {}
        for key in list(self._plugins):
            for item in self._items(key, kind):
                claims.setdefault(item.name, []).append(Provided(item, key))
        found = {}
        for name, providers in claims.items():
            own = [p for p in providers if p.plugin.startswith("builtin.")]
            if len(providers) > 1:
                self._conflicts[kind, name] = tuple(p.plugin for p in providers)
            if own or len(providers) == 1:
                found[name] = (own or providers)[0]
        return found

    def _items(self, key: str, kind: type[T]) -> list[T]:
        try:
            items = [item for result in self._call(key, _HOOKS[kind][0]) for item in result]
            for item in items:
                if not isinstance(item, kind):
                    raise TypeError(f"{_HOOKS[kind][0]} returned {item!r}, not a {kind.__name__}")
        except Exception as error:
            self.blame(key, error)
            return []
        return items

    def _conflict(self, kind: type, name: str) -> str:
        providers = self._conflicts[kind, name]
        sentence = f"{_HOOKS[kind][1]} {name!r} comes from {' and '.join(providers)}"
        own = [p for p in providers if p.startswith("builtin.")]
        used = f"; the one of {own[0]} is used" if own else "; none is used"
        return f"{sentence}{used}; block one with -p no:{providers[-1]}"


_default: list[Host] = []


def default_host() -> Host:
    """The host that functions use when they are given none; made on first use."""
    if not _default:
        _default.append(Host())
    return _default[0]


def set_default_host(host: Host | None) -> None:
    """Use this host from now on; ``None`` makes a new one on the next use."""
    _default[:] = [] if host is None else [host]
