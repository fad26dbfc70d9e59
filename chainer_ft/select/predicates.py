"""Predicates by path, type, function and identity."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chainer_ft.select.globs import Glob
from chainer_ft.select.sites import Predicate, Site, with_below


@dataclass(frozen=True, repr=False)
class GlobPredicate(Predicate):
    """Sites whose path a glob matches."""

    glob: Glob

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return with_below(sites, lambda s: s.path != "/" and self.glob.matches(s.path))

    def __repr__(self) -> str:
        return repr(self.glob.pattern)

    def __str__(self) -> str:
        return self.glob.pattern


@dataclass(frozen=True, repr=False)
class Regex(Predicate):
    """Sites whose whole path a regular expression matches, as a glob does.

    Example:
        >>> import re
        >>> Regex(re.compile("/conv[12]")).hits([Site("/conv1", None), Site("/conv10", None)])
        {'/conv1'}
    """

    regex: re.Pattern[str]

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return with_below(sites, lambda s: self.regex.fullmatch(s.path))

    def __repr__(self) -> str:
        return f"re.compile({self.regex.pattern!r})"

    def __str__(self) -> str:
        return self.regex.pattern

    def _nearest(self, sites: Sequence[Site]) -> str:
        return f"it has to match a whole path; {super()._nearest(sites)}"


@dataclass(frozen=True, repr=False)
class OfType(Predicate):
    """Links (or parameters) of a class, by the class or by its name."""

    cls: type | str

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return with_below(sites, lambda s: self._is(s.value))

    def _is(self, value: object) -> bool:
        if isinstance(self.cls, str):
            return any(c.__name__ == self.cls for c in type(value).__mro__)
        return isinstance(value, self.cls)

    def __repr__(self) -> str:
        return self.cls if isinstance(self.cls, str) else self.cls.__name__

    def _nearest(self, sites: Sequence[Site]) -> str:
        types = dict.fromkeys(type(s.value).__name__ for s in sites)
        return f"the model is made of {', '.join(types)}"


@dataclass(frozen=True, repr=False)
class Calls(Predicate):
    """Sites for which ``function(path, link_or_param)`` is true."""

    function: Callable[[str, Any], Any]

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return with_below(sites, lambda s: self.function(s.path, s.value))

    def __repr__(self) -> str:
        return getattr(self.function, "__qualname__", repr(self.function))

    def _nearest(self, sites: Sequence[Site]) -> str:
        return f"it was asked for {len(sites)} links and parameters, as f(path, link_or_param)"


@dataclass(frozen=True, repr=False, eq=False)
class Is(Predicate):
    """One link or parameter, by identity."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Is) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return with_below(sites, lambda s: s.value is self.value)

    def __repr__(self) -> str:
        return f"<{type(self.value).__name__} {getattr(self.value, 'name', None) or ''}>"

    def _nearest(self, sites: Sequence[Site]) -> str:
        return "this object is not in the model; after a copy the model holds other objects"
