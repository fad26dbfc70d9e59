"""The plugins of a host: each in a manager of its own, its failures recorded and said once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pluggy

from chainer_ft.errors import PluginError
from chainer_ft.host.loading import Loaded
from chainer_ft.host.records import PluginRecord, cause_of
from chainer_ft.host.validate import new_manager


class Registry:
    """Plugins by key: the entry point's name, and more where two have the same.

    Args:
        builtin: The built-in plugins by name; none of them is loaded yet.
        strict: Raise what a plugin raises.
        warn: Called once with a sentence for each problem.
    """

    def __init__(self, builtin: Iterable[str], strict: bool, warn: Callable[[str], None]) -> None:
        self.builtin = frozenset(builtin)
        self.records: dict[str, PluginRecord] = {}
        self._strict, self._warn = strict, warn
        self._said: set[str] = set()
        self._plugins: dict[str, object] = {}
        self._managers: dict[str, pluggy.PluginManager] = {}

    def __iter__(self) -> Iterator[str]:
        """Keys of the plugins that can be called."""
        return iter(list(self._plugins))

    def add(self, loaded: Loaded) -> None:
        """Take in a plugin, or the news that there is none.

        Raises:
            PluginError: It is broken, and this registry is strict.
        """
        record, plugin = loaded.record, loaded.plugin
        twin = next((key for key, other in self._plugins.items() if other is plugin), None)
        if twin is not None:
            record, plugin = replace(record, state="skipped", cause=f"is plugin {twin} again"), None
        key = record.name
        while key in self.records:
            key += f" of {record.distribution}"
        self.records[key] = record
        if loaded.error is not None:
            self.blame(key, loaded.error)
        if record.problem:
            self.say(record.problem)
        if plugin is not None:
            self._plugins[key] = plugin
            self._managers[key] = new_manager()
            self._managers[key].register(plugin, key)

    def call(self, key: str, hook: str, **arguments: Any) -> list[Any]:
        """Call one plugin alone, and drain what it yields; what it raises is the caller's."""
        caller = getattr(self._managers[key].hook, hook)
        return [list(r) if isinstance(r, Iterable) else r for r in caller(**arguments)]

    def blame(self, key: str, error: BaseException) -> None:
        """Record that a plugin failed, and say so.

        Raises:
            PluginError: This registry is strict.
        """
        self.record_failure(key, error)
        problem = self.records[key].problem
        if self._strict:
            raise PluginError(problem) from error
        self.say(problem)

    def record_failure(self, key: str, error: BaseException) -> None:
        """Record that a plugin failed, where the caller says so itself."""
        self.records[key] = replace(self.records[key], state="broken", cause=cause_of(error))

    def say(self, *sentences: str) -> None:
        """Warn, unless it has been said before."""
        for sentence in sentences:
            if sentence not in self._said:
                self._said.add(sentence)
                self._warn(sentence)

    def names(self) -> list[str]:
        """Every name that a plugin can be blocked by."""
        return [name for r in self.records.values() for name in (r.name, r.distribution)]
