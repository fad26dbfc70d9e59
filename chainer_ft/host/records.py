"""What the host knows of each plugin, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

State = Literal["active", "blocked", "broken", "skipped"]
T = TypeVar("T")


@dataclass(frozen=True)
class PluginRecord:
    """One plugin.

    Args:
        name: The entry point's name, or ``builtin.formats`` and its like.
        distribution: What was installed, ``chainer-ft`` for the built-ins.
        version: Of the distribution.
        state: ``active``, ``blocked`` by the user, ``broken``, or ``skipped`` (made for a newer
            chainer_ft).
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
    def title(self) -> str:
        """Name, distribution and version on one line."""
        return f"{self.name} ({self.distribution} {self.version})".replace(" )", ")")


@dataclass(frozen=True)
class Provided(Generic[T]):
    """One thing that a hook returned, and the plugin that returned it."""

    item: T
    plugin: str


def cause_of(error: BaseException) -> str:
    """An exception as one line: its type, and the first line of its message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def named(items: list[Any]) -> tuple[str, ...]:
    """``loader npz`` for each thing that a plugin provides."""
    words = {
        "SourceLoader": "loader",
        "Saver": "saver",
        "MatchPolicy": "policy",
        "ExtensionFactory": "extension",
        "Subcommand": "verb",
    }
    return tuple(f"{words[type(item).__name__]} {item.name}" for item in items)
