"""Predicates over the links and parameters of a model.

A selection is a glob, a compiled regex, a link type, a function, a link or parameter itself, a
slice of the model's order, or a list of these. :func:`predicate` makes an object of any of them
that says which sites it hits, and how it was written.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chainer_ft.errors import RuleError
from chainer_ft.select.globs import Glob, nearest

#: What people may write where something is selected.
Selection = Any


@dataclass(frozen=True)
class Site:
    """A link or a parameter of a model, and where it stands.

    Args:
        path: ``/conv1`` or ``/conv1/W``; the root is ``/``.
        value: The link or parameter itself.
        layer: Path of the link that holds the array; for a link with arrays of its own, its own
            path; empty for one that only holds other links.
    """

    path: str
    value: Any
    layer: str = ""


class Predicate(ABC):
    """Says which sites of a model it hits. ``repr`` is what one would write to make it."""

    @abstractmethod
    def hits(self, sites: Sequence[Site]) -> set[str]:
        """Paths of the sites that it hits, with all that lies below a link.

        Args:
            sites: Links and parameters in the model's order.
        """

    def select(self, sites: Sequence[Site]) -> frozenset[str]:
        """The same, where hitting nothing is an error.

        Raises:
            RuleError: It hits nothing; names the nearest paths.
        """
        found = self.hits(sites)
        if not found:
            raise RuleError(f"{self!r} hits nothing; {self._nearest(sites)}")
        return frozenset(found)

    def _nearest(self, sites: Sequence[Site]) -> str:
        return nearest(str(self), [s.path for s in sites if s.path != "/"])


def _with_below(sites: Sequence[Site], hit: Callable[[Site], Any]) -> set[str]:
    found = {s.path for s in sites if hit(s)}
    return {s.path for s in sites if any(path in found for path in _upwards(s.path))}


def _upwards(path: str) -> Iterable[str]:
    """A path and those of the links above it."""
    while path != "/":
        yield path
        path = path.rpartition("/")[0] or "/"
    yield "/"


@dataclass(frozen=True, repr=False)
class GlobPredicate(Predicate):
    """Sites whose path a glob matches."""

    glob: Glob

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return _with_below(sites, lambda s: s.path != "/" and self.glob.matches(s.path))

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
        return _with_below(sites, lambda s: self.regex.fullmatch(s.path))

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
        return _with_below(sites, lambda s: self._is(s.value))

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
        return _with_below(sites, lambda s: self.function(s.path, s.value))

    def __repr__(self) -> str:
        return getattr(self.function, "__qualname__", repr(self.function))

    def _nearest(self, sites: Sequence[Site]) -> str:
        return f"it was asked for {len(sites)} links and parameters, as f(path, link_or_param)"


@dataclass(frozen=True, repr=False)
class Is(Predicate):
    """One link or parameter, by identity."""

    value: Any

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return _with_below(sites, lambda s: s.value is self.value)

    def __repr__(self) -> str:
        return f"<{type(self.value).__name__} {getattr(self.value, 'name', None) or ''}>"

    def _nearest(self, sites: Sequence[Site]) -> str:
        return "this object is not in the model; after a copy the model holds other objects"


@dataclass(frozen=True, repr=False)
class First(Predicate):
    """The first layers in the model's own order; a layer is a link with arrays of its own."""

    count: int

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return _of_layers(sites, _layers(sites, self.count, self)[: self.count])

    def __repr__(self) -> str:
        return f"first({self.count})"


@dataclass(frozen=True, repr=False)
class Last(Predicate):
    """The last layers in the model's own order: the head."""

    count: int

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return _of_layers(sites, _layers(sites, self.count, self)[-self.count :])

    def __repr__(self) -> str:
        return f"last({self.count})"


def _layers(sites: Sequence[Site], count: int, asked: Predicate) -> list[str]:
    """Paths of all layers, at least ``count``."""
    layers = list(dict.fromkeys(s.layer for s in sites if s.layer))
    if not 0 < count <= len(layers):
        raise RuleError(
            f"{asked!r}: the model has {len(layers)} layers with arrays; give 1 to {len(layers)}"
        )
    return layers


def _of_layers(sites: Sequence[Site], layers: Sequence[str]) -> set[str]:
    return {s.path for s in sites if s.layer in layers}


@dataclass(frozen=True, repr=False)
class Until(Predicate):
    """Every layer up to and including a link, in the model's own order."""

    path: str

    def hits(self, sites: Sequence[Site]) -> set[str]:
        named = GlobPredicate(Glob(self.path)).select(sites)
        last = max(i for i, s in enumerate(sites) if s.path in named)
        return {s.path for s in sites[: last + 1] if s.layer} | named

    def __repr__(self) -> str:
        return f"until({self.path!r})"


@dataclass(frozen=True, repr=False)
class AllBut(Predicate):
    """Everything that other selections leave."""

    others: AnyOf

    def hits(self, sites: Sequence[Site]) -> set[str]:
        kept = self.others.select(sites)
        above = {p for path in kept for p in _upwards(path)}
        return {s.path for s in sites} - kept - above

    def __repr__(self) -> str:
        return f"all_but({', '.join(map(repr, self.others.items))})"


@dataclass(frozen=True, repr=False)
class AnyOf(Predicate):
    """What at least one of several selections hits; each of them has to hit something."""

    items: tuple[Predicate, ...]

    def hits(self, sites: Sequence[Site]) -> set[str]:
        return set().union(*(item.select(sites) for item in self.items))

    def __repr__(self) -> str:
        return repr(list(self.items)) if len(self.items) != 1 else repr(self.items[0])


def predicate(selection: Selection) -> Predicate:
    """A predicate of whatever people write.

    Args:
        selection: A glob (``"/conv*"``), a compiled regex, a link class, a function of
            ``(path, link_or_param)``, a link or parameter, :func:`first`, :func:`last`,
            :func:`until`, :func:`all_but`, or an iterable of these.

    Raises:
        RuleError: It is none of these, or an empty list.

    Example:
        >>> predicate(["/conv*", first(2)])
        ['/conv*', first(2)]
    """
    if isinstance(selection, Predicate):
        return selection
    if isinstance(selection, str):
        return GlobPredicate(Glob(selection))
    if isinstance(selection, re.Pattern):
        return Regex(selection)
    if isinstance(selection, type):
        return OfType(selection)
    if hasattr(selection, "namedparams") or hasattr(selection, "update_rule"):
        return Is(selection)
    if isinstance(selection, Iterable):
        return any_of(tuple(selection))
    if callable(selection):
        return Calls(selection)
    raise RuleError(
        f"{selection!r} selects nothing: give a glob like '/conv*', a compiled regex, a link "
        "class, a function of (path, link_or_param), a link, first(n), last(n), until(path) or "
        "all_but(...)"
    )


def any_of(selections: Sequence[Selection]) -> AnyOf:
    """The union of several selections."""
    if not selections:
        raise RuleError("an empty list selects nothing; name at least one path, '/conv1' say")
    return AnyOf(tuple(map(predicate, selections)))


def first(count: int) -> First:
    """The first ``count`` layers, in the model's own order."""
    return First(count)


def last(count: int) -> Last:
    """The last ``count`` layers, in the model's own order; ``last(1)`` is the head."""
    return Last(count)


def until(path: str) -> Until:
    """Every layer up to and including the link at ``path``."""
    return Until(path)


def all_but(*selections: Selection) -> AllBut:
    """Everything but these; ``all_but("/fc8")`` is the body under a head."""
    return AllBut(any_of(selections))
