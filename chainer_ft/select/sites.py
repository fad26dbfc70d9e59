"""Places in a model, and what says which of them it hits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chainer_ft.errors import RuleError
from chainer_ft.select.globs import nearest


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


def with_below(sites: Sequence[Site], hit: Callable[[Site], Any]) -> set[str]:
    """Paths of the sites that are hit, and of all below them."""
    found = {s.path for s in sites if hit(s)}
    return {s.path for s in sites if any(path in found for path in upwards(s.path))}


def upwards(path: str) -> Iterable[str]:
    """A path and those of the links above it."""
    while path != "/":
        yield path
        path = path.rpartition("/")[0] or "/"
    yield "/"
