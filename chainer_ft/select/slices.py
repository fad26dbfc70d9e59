"""Slices of a model's own order, and sets of selections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainer_ft.errors import RuleError
from chainer_ft.select.globs import Glob
from chainer_ft.select.predicates import GlobPredicate
from chainer_ft.select.sites import Predicate, Site, upwards


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
        above = {p for path in kept for p in upwards(path)}
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
