"""Which classes of a source survive, by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chainer_ft.errors import UsageError

_SYNSET = re.compile(r"(n\d{8})[\s,:]+(.+)", re.DOTALL)


@dataclass(frozen=True)
class Survivors:
    """Classes that a source and a new task have in common.

    Args:
        rows: Row in the source by row in the new head.
        ambiguous: New classes that more than one class of the source may be; none is taken.
    """

    rows: Mapping[int, int] = field(default_factory=dict)
    ambiguous: tuple[str, ...] = ()


def survivors(old: Sequence[str], new: Sequence[str]) -> Survivors:
    """Find the new classes among the old ones.

    Names are compared without regard to case, to ``_`` and ``-`` for a space, and to the Unicode
    form. A name equal as a whole comes first; then a line of ImageNet's ``synset_words.txt`` also
    answers to its number and to each of its words.

    Args:
        old: Names of the source's classes, by row.
        new: Names of the new classes, by row.

    Raises:
        UsageError: Two new classes have one name.

    Example:
        >>> survivors(["n02085620 Chihuahua", "n02123045 tabby, tabby cat"], ["dog", "tabby cat"])
        Survivors(rows={1: 1}, ambiguous=())
    """
    _check_unique(new)
    whole = _by_name((name, [row]) for row, name in enumerate(old))
    parts = _by_name((part, [row]) for row, name in enumerate(old) for part in _parts(name))
    rows, ambiguous = {}, []
    for row, name in enumerate(new):
        found = whole.get(_plain(name)) or parts.get(_plain(name)) or set()
        if len(found) > 1:
            ambiguous.append(name)
        elif found:
            rows[row] = next(iter(found))
    return Survivors(rows, tuple(ambiguous))


def _check_unique(new: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in new:
        other = seen.setdefault(name, name)
        if list(new).count(other) > 1:
            raise UsageError(f"two classes are called {name!r}; rename one of the folders")


def _by_name(pairs: Iterator[tuple[str, list[int]]]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name, rows in pairs:
        found.setdefault(_plain(name), set()).update(rows)
    return found


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(re.sub(r"[_\-\s]+", " ", text).split())


def _parts(name: str) -> list[str]:
    """What a line of ``synset_words.txt`` answers to."""
    match = _SYNSET.fullmatch(name.strip())
    number, words = match.groups() if match else ("", name)
    return [part for part in (number, words, *words.split(",")) if part.strip()]
