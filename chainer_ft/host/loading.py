"""From entry points to plugins: each in its own try, validated alone, blocked by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, distributions, entry_points

from chainer_ft.host.records import PluginRecord, cause_of
from chainer_ft.host.selection import Selection
from chainer_ft.host.validate import validate

GROUP = "chainer_ft"


@dataclass
class Loaded:
    """A plugin object, or why there is none."""

    record: PluginRecord
    plugin: object | None = None
    error: BaseException | None = field(default=None, repr=False)


def load_entry_points(selection: Selection) -> Iterator[Loaded]:
    """Load every installed plugin that the selection allows."""
    for point in sorted(_points(), key=lambda p: (_distribution(p), p.name)):
        yield _load(point, selection)


def _points() -> Iterable[EntryPoint]:
    try:
        return entry_points(group=GROUP)
    except Exception:  # somebody's entry_points.txt is damaged, and importlib gives up on all
        return _points_one_by_one()


def _points_one_by_one() -> list[EntryPoint]:
    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        try:
            points = list(distribution.entry_points.select(group=GROUP))
        except Exception:
            continue
        if points:
            found.setdefault(_distribution(points[0]), points)
    return [point for points in found.values() for point in points]


def _load(point: EntryPoint, selection: Selection) -> Loaded:
    distribution = _distribution(point)
    record = PluginRecord(point.name, distribution, _version(point), "active")
    refusal = selection.refusal(point.name, distribution)
    if refusal:
        return Loaded(replace(record, state="blocked", cause=refusal))
    try:
        plugin = point.load()
        newer = _newer_api(plugin)
        if newer:
            return Loaded(replace(record, state="skipped", cause=newer))
        validate(plugin)
    except (Exception, SystemExit) as error:
        return Loaded(replace(record, state="broken", cause=cause_of(error)), error=error)
    return Loaded(record, plugin)


def _newer_api(plugin: object) -> str:
    from chainer_ft import HOOK_API

    wanted = getattr(plugin, "HOOK_API", HOOK_API)
    if isinstance(wanted, int) and wanted <= HOOK_API:
        return ""
    return f"made for hook API {wanted}, this is {HOOK_API}; update chainer-ft"


def _distribution(point: EntryPoint) -> str:
    try:
        return (point.dist.name if point.dist is not None else "") or "unknown"
    except Exception:  # no METADATA
        return "unknown"


def _version(point: EntryPoint) -> str:
    try:
        return (point.dist.version if point.dist is not None else "") or ""
    except Exception:
        return ""
