"""pluggy behind a typed facade: what plugins provide, by kind and name, and what they say."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pluggy

from chainer_ft.errors import PlanRejected, PluginError, UsageError
from chainer_ft.host.collection import Collection, T, guard_of
from chainer_ft.host.guard import Guard
from chainer_ft.host.loading import Loaded, load_entry_points
from chainer_ft.host.records import KINDS, PluginRecord, Provided, cause_of, named
from chainer_ft.host.registry import Registry
from chainer_ft.host.selection import Selection
from chainer_ft.host.validate import validate
from chainer_ft.select import nearest
from chainer_ft.types import Outcome, Plan

hookimpl = pluggy.HookimplMarker("chainer_ft")
log = logging.getLogger("chainer_ft")


class Host:
    """All plugins, built-in and installed.

    Args:
        selection: Which plugins may be loaded; what the environment says by default.
        installed: Whether to look for installed plugins at all.
        warn: Called once with a sentence for each problem, when it is found.

    Raises:
        PluginError: A plugin fails, and the selection is strict.

    Example:
        >>> from chainer_ft.types import MatchPolicy
        >>> host = Host(installed=False)
        >>> sorted(host.all(MatchPolicy))
        ['name', 'shape']
    """

    def __init__(
        self,
        selection: Selection | None = None,
        installed: bool = True,
        warn: Callable[[str], None] = log.warning,
    ) -> None:
        from chainer_ft import builtin

        chosen = selection or Selection.from_environment()
        self._registry = Registry(builtin.PLUGINS, chosen.strict, warn)
        self._collection = Collection(self._registry)
        for name, plugin in builtin.PLUGINS.items():
            self._registry.add(_builtin(name, plugin, chosen))
        for loaded in load_entry_points(chosen) if installed else ():
            self._registry.add(loaded)
        self._unknown = chosen.unknown(self._registry.names()) if installed else ()
        self._registry.say(*self._unknown)

    def register(self, plugin: object, name: str) -> None:
        """Add a plugin object by hand, as a notebook or a test does.

        Raises:
            PluginError: It is no plugin, or its name is taken.
        """
        if name in self._registry.records:
            raise PluginError(f"plugin {name}: the name is taken")
        try:
            validate(plugin)
        except Exception as error:
            raise PluginError(f"plugin {name}: {cause_of(error)}") from error
        self._collection.forget()
        self._registry.add(Loaded(PluginRecord(name, "registered by hand", "", "active"), plugin))

    def records(self) -> tuple[PluginRecord, ...]:
        """Every plugin, with what it provides and what is wrong with it."""
        provided: dict[str, list[Any]] = {name: [] for name in self._registry.records}
        for kind in KINDS:
            for one in self.all(kind).values():
                provided[one.plugin].append(one.item)
        return tuple(
            replace(record, provides=named(provided[key]))
            for key, record in self._registry.records.items()
        )

    def all(self, kind: type[T]) -> dict[str, Provided[T]]:
        """Everything of one kind by name; what two plugins claim is in :meth:`conflicts`."""
        return self._collection.all(kind)

    def get(self, kind: type[T], name: str) -> Provided[T]:
        """One thing by name.

        Raises:
            PluginError: Two plugins claim the name, or the plugin of that name is broken.
            UsageError: Nobody provides it.
        """
        found = self.all(kind)
        if name in found:
            return found[name]
        conflict = self._collection.conflict(kind, name)
        if conflict is not None:
            raise PluginError(str(conflict))
        for record in self._registry.records.values():
            if record.name == name and record.problem:
                raise PluginError(record.problem)
        raise UsageError(f"there is no {KINDS[kind].word} {name!r}{self._hints(name, list(found))}")

    def conflicts(self) -> tuple[str, ...]:
        """A sentence for each name that two plugins claim."""
        return tuple(map(str, self._collection.conflicts()))

    def problems(self) -> tuple[str, ...]:
        """A sentence for each plugin that does not work and each name that is claimed twice."""
        conflicts = self.conflicts()
        broken = filter(None, (record.problem for record in self._registry.records.values()))
        return (*broken, *conflicts, *self._unknown)

    def veto(self, plan: Plan) -> None:
        """Ask ``chainer_ft_plan_ready`` of every plugin.

        Raises:
            PlanRejected: A plugin forbids the plan.
        """
        for key in self._registry:
            try:
                self._registry.call(key, "chainer_ft_plan_ready", plan=plan)
            except PlanRejected as error:
                raise PlanRejected(f"plugin {key} rejects the plan: {error}") from error
            except (Exception, SystemExit) as error:
                self.blame(key, error)

    def copied(self, plan: Plan, outcome: Outcome) -> None:
        """Tell ``chainer_ft_copied`` of every plugin."""
        for key in self._registry:
            try:
                self._registry.call(key, "chainer_ft_copied", plan=plan, outcome=outcome)
            except (Exception, SystemExit) as error:
                self.blame(key, error)

    def blame(self, plugin: str, error: BaseException) -> None:
        """Record that a plugin failed, say so, and go on without its word.

        Raises:
            PluginError: The selection is strict.
        """
        self._registry.blame(plugin, error)

    def guard(self, plugin: str) -> Guard:
        """What turns an error of this plugin into a :class:`PluginError` that names it."""
        return guard_of(plugin, self._registry)

    def _hints(self, name: str, names: list[str]) -> str:
        """What may help somebody who asked for a name that nobody provides."""
        idle = [
            record.problem or f"plugin {record.title} is {record.cause}"
            for record in self._registry.records.values()
            if record.cause
        ]
        return "".join(f"; {hint}" for hint in ([nearest(name, names)] if names else []) + idle)


def _builtin(name: str, plugin: object, selection: Selection) -> Loaded:
    from chainer_ft import __version__

    record = PluginRecord(name, "chainer-ft", __version__, "active")
    if name in selection.blocked:
        return Loaded(replace(record, state="blocked", cause=f"blocked by -p no:{name}"))
    return Loaded(record, plugin)
