"""What the hooks return. Each is checked when it is made, so that a plugin fails early."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from chainer_ft.types.entries import Listing
    from chainer_ft.types.plan import Clash, Pair, Tie
    from chainer_ft.types.source import Source

_NAME = re.compile(r"[a-z][a-z0-9_.-]*")


def _check(name: str, summary: str, suffixes: tuple[str, ...] = ()) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"name is lower-case, like 'caffemodel', not {name!r}")
    _check_summary(name, summary)
    if not isinstance(suffixes, tuple) or not all(map(_is_suffix, suffixes)):
        raise ValueError(f"{name}: suffixes are like ('.npz',), not {suffixes!r}")


def _check_summary(name: str, summary: str) -> None:
    if not isinstance(summary, str) or not summary.strip() or "\n" in summary:
        raise ValueError(f"{name}: summary is one line of text, not {summary!r}")


def _is_suffix(suffix: object) -> bool:
    return isinstance(suffix, str) and suffix.startswith(".") and suffix == suffix.lower()


def _check_callables(name: str, **functions: object) -> None:
    for role, function in functions.items():
        if not callable(function):
            raise ValueError(f"{name}: {role} is a function, not {function!r}")


@dataclass(frozen=True)
class SourceLoader:
    """One format that weights are read from.

    Args:
        name: Lower-case and unique, ``caffemodel``.
        summary: One line.
        suffixes: Usual file suffixes, for messages only: files are told by content.
        detect: ``detect(head, path) -> confidence`` from 0.0 to 1.0; ``head`` is the file's
            first 4096 bytes.
        open: ``open(path) -> Source``.
    """

    name: str
    summary: str
    suffixes: tuple[str, ...]
    detect: Callable[[bytes, str], float]
    open: Callable[[str], Source]

    def __post_init__(self) -> None:
        _check(self.name, self.summary, self.suffixes)
        _check_callables(self.name, detect=self.detect, open=self.open)


def _nothing_against(path: str, base: Source | None) -> None:
    """A format that can always be written."""


@dataclass(frozen=True)
class Saver:
    """One format that weights are written in.

    Args:
        name: Lower-case and unique, ``npz``.
        summary: One line.
        suffixes: The suffixes that choose this saver.
        save: ``save(path, source, *, provenance, compress)`` writes all of ``source`` into the
            new file ``path``. The host moves it to its place, so a saver need not be atomic.
        check: ``check(path, base)`` raises :class:`FormatError` where ``path`` could not be
            written, before any work; ``base`` is the existing file whose arrays are filled, or
            ``None``. By default nothing stands against it.
    """

    name: str
    summary: str
    suffixes: tuple[str, ...]
    save: Callable[..., None]
    check: Callable[[str, Source | None], None] = _nothing_against

    def __post_init__(self) -> None:
        _check(self.name, self.summary, self.suffixes)
        _check_callables(self.name, save=self.save, check=self.check)


@dataclass(frozen=True)
class MatchPolicy:
    """One way to find partners.

    Args:
        name: Lower-case and unique, ``shape``.
        summary: One line.
        propose: ``propose(source, target)`` yields :class:`Pair`, :class:`Tie` where there is
            more than one equally good partner, and :class:`Clash` where partners differ in
            shape. It sees listings and nothing else.
    """

    name: str
    summary: str
    propose: Callable[[Listing, Listing], Iterable[Pair | Tie | Clash]]

    def __post_init__(self) -> None:
        _check(self.name, self.summary)
        _check_callables(self.name, propose=self.propose)


@dataclass(frozen=True)
class ExtensionFactory:
    """One trainer extension: ``build(**options)`` returns a ``chainer.training.Extension``."""

    name: str
    summary: str
    build: Callable[..., Any]

    def __post_init__(self) -> None:
        _check(self.name, self.summary)
        _check_callables(self.name, build=self.build)


@dataclass(frozen=True)
class CaffeLayer:
    """One type of layer for ``chainer_ft.caffe.Net``.

    Args:
        name: The type as a prototxt has it, ``Permute``; for one Python layer,
            ``Python:module.Class``.
        summary: One line.
        build: ``build(layer, phase)`` gets the ``LayerParameter`` and ``TRAIN`` or ``TEST``, and
            returns a function or a ``chainer.Link`` that computes the tops from the bottoms: one
            Variable, or a tuple of them.
    """

    name: str
    summary: str
    build: Callable[[Any, str], Callable[..., Any]]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or "\n" in self.name:
            raise ValueError(f"name is a layer's type, like 'Permute', not {self.name!r}")
        _check_summary(self.name, self.summary)
        _check_callables(self.name, build=self.build)


@dataclass(frozen=True)
class Subcommand:
    """One verb of ``chainer-ft``.

    Args:
        name: The verb.
        summary: One line for ``chainer-ft --help``.
        add_arguments: Adds the verb's arguments to an ``argparse`` parser.
        run: Runs it; returns the exit code.
    """

    name: str
    summary: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]

    def __post_init__(self) -> None:
        _check(self.name, self.summary)
        _check_callables(self.name, add_arguments=self.add_arguments, run=self.run)
