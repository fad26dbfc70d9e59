"""What plugins provide, guarded: whatever it raises becomes an error that names the plugin."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from chainer_ft.errors import ChainerFTError, PluginError
from chainer_ft.host.guarded_source import GuardedSource
from chainer_ft.host.records import PluginRecord, cause_of
from chainer_ft.types import (
    CaffeLayer,
    Clash,
    ExtensionFactory,
    Listing,
    MatchPolicy,
    Pair,
    Saver,
    Source,
    SourceLoader,
    Subcommand,
    Tie,
)


@dataclass(frozen=True)
class Guard:
    """Turns what a plugin raises into a :class:`PluginError`, and records it.

    Args:
        record: The plugin.
        failed: Called with what was raised.
    """

    record: PluginRecord
    failed: Callable[[BaseException], None]

    @contextmanager
    def __call__(self, what: str, *passing: type[BaseException]) -> Iterator[None]:
        """Guard a block.

        Args:
            what: What the plugin was doing, for the message.
            *passing: Exceptions that are not the plugin's fault here.

        Raises:
            PluginError: The block raised anything but those and our own errors.
        """
        try:
            yield
        except passing:
            raise
        except (ChainerFTError, MemoryError):
            raise
        except (Exception, SystemExit) as error:
            self.failed(error)
            raise PluginError(
                f"{what} of plugin {self.record.title} failed: {cause_of(error)}; block it with "
                f"-p no:{self.record.name}"
            ) from error


def guarded(item: Any, guard: Guard) -> Any:
    """The same loader, saver, policy, extension or verb behind a guard.

    ``detect`` is left alone: where it fails, the next loader is asked.
    """
    return _GUARDED[type(item)](item, guard)


def _loader(item: SourceLoader, guard: Guard) -> SourceLoader:
    def open(path: str) -> Source:
        what = f"{path}: loader {item.name!r}"
        with guard(what):
            source = item.open(path)
            if not isinstance(source, Source):
                raise TypeError(f"open returned {source!r}, not a Source")
            return GuardedSource(source, guard, what)

    return replace(item, open=open)


def _saver(item: Saver, guard: Guard) -> Saver:
    def save(path: str, source: Source, **options: Any) -> None:
        with guard(f"{path}: saver {item.name!r}", OSError):  # a full disk is nobody's fault
            item.save(path, source, **options)

    def check(path: str, base: Source | None) -> None:
        with guard(f"{path}: saver {item.name!r}"):
            item.check(path, base)

    return replace(item, save=save, check=check)


def _policy(item: MatchPolicy, guard: Guard) -> MatchPolicy:
    def propose(source: Listing, target: Listing) -> list[Pair | Tie | Clash]:
        with guard(f"policy {item.name!r}"):
            found = list(item.propose(source, target))
            for one in found:
                if not isinstance(one, (Pair, Tie, Clash)):
                    raise TypeError(f"propose yielded {one!r}, not a Pair or a Tie")
            return found

    return replace(item, propose=propose)


def _extension(item: ExtensionFactory, guard: Guard) -> ExtensionFactory:
    def build(**options: Any) -> Any:
        with guard(f"extension {item.name!r}"):
            return item.build(**options)

    return replace(item, build=build)


def _verb(item: Subcommand, guard: Guard) -> Subcommand:
    def run(options: Namespace) -> int:
        with guard(f"verb {item.name!r}", SystemExit, BrokenPipeError):
            return int(item.run(options) or 0)

    return replace(item, run=run)


def _layer(item: CaffeLayer, guard: Guard) -> CaffeLayer:
    def build(layer: Any, phase: str) -> Callable[..., Any]:
        with guard(f"Caffe layer {item.name!r}"):
            return item.build(layer, phase)

    return replace(item, build=build)


_GUARDED: Mapping[type, Callable[[Any, Guard], Any]] = {
    SourceLoader: _loader,
    Saver: _saver,
    MatchPolicy: _policy,
    ExtensionFactory: _extension,
    Subcommand: _verb,
    CaffeLayer: _layer,
}
