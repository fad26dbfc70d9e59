"""What the host knows of each plugin, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from chainer_ft.errors import ChainerFTError
from chainer_ft.types import (
    CaffeLayer,
    ExtensionFactory,
    MatchPolicy,
    Saver,
    SourceLoader,
    Subcommand,
)

State = Literal["active", "blocked", "broken", "skipped"]
T = TypeVar("T")


class Kind(NamedTuple):
    """How one kind of thing comes in, and what people call it."""

    hook: str
    word: str


KINDS: Mapping[type, Kind] = {
    SourceLoader: Kind("chainer_ft_source_loaders", "loader"),
    Saver: Kind("chainer_ft_savers", "saver"),
    MatchPolicy: Kind("chainer_ft_match_policies", "policy"),
    ExtensionFactory: Kind("chainer_ft_trainer_extensions", "extension"),
    Subcommand: Kind("chainer_ft_subcommands", "verb"),
    CaffeLayer: Kind("chainer_ft_caffe_layers", "Caffe layer"),
}


@dataclass(frozen=True)
class PluginRecord:
    """One plugin.

    Args:
        name: The entry point's name, or ``builtin.formats`` and its like.
        distribution: What was installed, ``chainer-ft`` for the built-ins.
        version: Of the distribution.
        state: ``active``, ``blocked`` by the user, ``broken``, or ``skipped`` (made for a newer
            chainer_ft, or installed twice).
        cause: Why it is not active, or what failed in it since; one sentence.
        provides: What it offers, as ``loader npz``.
    """

    name: str
    distribution: str
    version: str
    state: State
    cause: str = ""
    provides: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        """A sentence where the plugin did not do its work, though nobody blocked it."""
        return f"plugin {self.title}: {self.cause}" if self.state in ("broken", "skipped") else ""

    @property
    def title(self) -> str:
        """Name, distribution and version on one line."""
        return f"{self.name} ({self.distribution} {self.version})".replace(" )", ")")


@dataclass(frozen=True)
class Provided(Generic[T]):
    """One thing that a hook returned, and the plugin that returned it."""

    item: T
    plugin: str


@dataclass(frozen=True)
class Conflict:
    """One name that is claimed more than once.

    Args:
        what: ``loader 'npz'``.
        plugins: Who claims it.
        used: Whose is used; empty for nobody's.
        block: The name that blocks one of them.
    """

    what: str
    plugins: tuple[str, ...]
    used: str
    block: str

    def __str__(self) -> str:
        used = f"the one of {self.used} is used" if self.used else "none is used"
        return (
            f"{self.what} comes from {' and '.join(self.plugins)}; {used}; "
            f"block one with -p no:{self.block}"
        )


def cause_of(error: BaseException) -> str:
    """An exception as one line: its type, unless it is ours, and its message's first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    name = type(error).__name__
    if not lines:
        return name
    return lines[0] if isinstance(error, ChainerFTError) else f"{name}: {lines[0]}"


def named(items: list[Any]) -> tuple[str, ...]:
    """``loader npz`` for each thing that a plugin provides."""
    return tuple(f"{KINDS[type(item)].word} {item.name}" for item in items)
