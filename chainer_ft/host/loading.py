"""From entry points to plugins: each in its own try, validated alone, blocked by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points

import pluggy

from chainer_ft import hookspecs
from chainer_ft.host.records import PluginRecord, cause_of

GROUP = "chainer_ft"


@dataclass(frozen=True)
class Selection:
    """Which plugins may be loaded.

    Args:
        blocked: Names of entry points or distributions (``-p no:NAME``).
        only: If given, no others (``CHAINER_FT_PLUGINS=a,b``); empty for none.
        strict: Re-raise what a plugin raises (``CHAINER_FT_STRICT_PLUGINS=1``).
    """

    blocked: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    strict: bool = False

    @classmethod
    def from_environment(cls, options: Sequence[str] = (), none: bool = False) -> Selection:
        """What the environment and the command line say together.

        Args:
            options: Values of ``-p``, each ``no:NAME``.
            none: ``--no-plugins``.
        """
        names = os.environ.get("CHAINER_FT_PLUGINS")
        only = None if names is None else frozenset(filter(None, map(str.strip, names.split(","))))
        return cls(
            frozenset(option.removeprefix("no:") for option in options),
            frozenset() if none else only,
            os.environ.get("CHAINER_FT_STRICT_PLUGINS", "0") not in ("", "0"),
        )

    def allows(self, *names: str) -> bool:
        """Whether a plugin known under these names may be loaded."""
        return not self.blocked.intersection(names) and (
            self.only is None or bool(self.only.intersection(names))
        )


@dataclass
class Loaded:
    """A plugin object, or why there is none."""

    record: PluginRecord
    plugin: object | None = None
    error: BaseException | None = field(default=None, repr=False)


def new_manager() -> pluggy.PluginManager:
    """A manager that knows the hooks and no plugin."""
    manager = pluggy.PluginManager("chainer_ft")
    manager.add_hookspecs(hookspecs)
    return manager


def load_entry_points(selection: Selection) -> Iterator[Loaded]:
    """Load every installed plugin that the selection allows."""
    for point in sorted(entry_points(group=GROUP), key=lambda p: (_distribution(p), p.name)):
        yield _load(point, selection)


def _load(point: EntryPoint, selection: Selection) -> Loaded:
    distribution = _distribution(point)
    record = PluginRecord(point.name, distribution, _version(point), "active")
    if not selection.allows(point.name, distribution):
        return Loaded(_became(record, "blocked", "blocked by name"))
    try:
        plugin = point.load()
        newer = _newer_api(plugin)
        if newer:
            return Loaded(_became(record, "skipped", newer))
        validate(plugin)
    except (Exception, SystemExit) as error:
        return Loaded(_became(record, "broken", cause_of(error)), error=error)
    return Loaded(record, plugin)


def validate(plugin: object) -> None:
    """Raise unless every hook of the plugin exists and asks for known arguments.

    A manager of its own does the check: pluggy leaves a rejected plugin half registered, and
    its ``check_pending`` would blame this plugin's mistakes on all.
    """
    scratch = new_manager()
    scratch.register(plugin)
    scratch.check_pending()
    unknown = [
        name
        for name in dir(plugin)
        if name.startswith("chainer_ft_") and not hasattr(hookspecs, name)
    ]
    if unknown:
        raise pluggy.PluginValidationError(plugin, f"there is no hook named {unknown[0]}")


def _newer_api(plugin: object) -> str:
    from chainer_ft import HOOK_API

    wanted = getattr(plugin, "HOOK_API", HOOK_API)
    if isinstance(wanted, int) and wanted <= HOOK_API:
        return ""
    return f"made for hook API {wanted}, this is {HOOK_API}; update chainer-ft"


def _became(record: PluginRecord, state: str, cause: str) -> PluginRecord:
    from dataclasses import replace

    return replace(record, state=state, cause=cause)  # type: ignore[arg-type]


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"


def _version(point: EntryPoint) -> str:
    return point.dist.version if point.dist is not None else ""
