"""Plan: what would be copied where, and everything that would not, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from chainer_ft.types.entries import Entry, Listing

Side = Literal["source", "target"]


@dataclass(frozen=True)
class Pair:
    """One array of the source goes into one array of the target.

    Args:
        source: Path in the source's listing (after renaming, where a policy proposes it).
        target: Path in the target's listing.
        reason: Why, where it is not plain equality of paths.
        transforms: What happens to the numbers on the way (``cast float64 -> float32``).
    """

    source: str
    target: str
    reason: str = ""
    transforms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clash:
    """Two entries that belong together by name and differ in shape."""

    source: str
    target: str
    source_shape: tuple[int, ...] | None
    target_shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Tie:
    """Links with more than one equally good partner; left alone."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class Skip:
    """An entry that a rule leaves out."""

    side: Side
    path: str
    rule: str


@dataclass(frozen=True)
class Outcome:
    """What an applied plan did.

    Args:
        pairs: The arrays that were written.
        coverage: Share of the target's parameters that was filled, 0.0 to 1.0.
        written: Path of the file that was written, or ``None`` for a live link.
        initialized: Target paths that had no array before.
    """

    pairs: tuple[Pair, ...]
    coverage: float
    written: str | None = None
    initialized: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pairs)


class Applier(Protocol):
    """What a plan needs to be more than a value: a source and a target behind it."""

    def check(self, plan: Plan) -> None:
        """Raise where the plan may not be applied."""

    def __call__(self, plan: Plan) -> Outcome:
        """Apply it."""


@dataclass(frozen=True)
class Plan:
    """The copy map. Every source entry and every target entry stands in it exactly once.

    Args:
        source: Listing of the source.
        target: Listing of the target.
        policy: Name of the policy that found the pairs.
        pairs: What is copied.
        missing: Target paths that stay as they are.
        unexpected: Source paths that go nowhere.
        incorrect_shapes: Partners by name whose shapes differ.
        ambiguous: Links with several equally good partners.
        skipped: Entries left out by a rule.
        reasons: For ``(side, path)`` of an entry left over, why, where there is more to say.
        renamed: Source paths that a rename rule changed, old to new.
    """

    source: Listing
    target: Listing
    policy: str = "name"
    pairs: tuple[Pair, ...] = ()
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    incorrect_shapes: tuple[Clash, ...] = ()
    ambiguous: tuple[Tie, ...] = ()
    skipped: tuple[Skip, ...] = ()
    reasons: Mapping[tuple[Side, str], str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    applier: Applier | None = field(default=None, compare=False, repr=False)

    @cached_property
    def coverage(self) -> float:
        """Share of the target's parameters, counted in elements, that the plan fills."""
        from chainer_ft.planning.coverage import coverage

        return coverage(self)

    def coverage_of(self, prefix: str) -> float:
        """The same share for one sub-tree, ``/res2`` say."""
        from chainer_ft.planning.coverage import coverage

        return coverage(self, prefix)

    def source_of(self, pair: Pair) -> Entry:
        """The source's entry of a pair."""
        return self.source[pair.source]

    def apply(self) -> Outcome:
        """Write all of the plan into its target, or nothing.

        Raises:
            RefusedError: An array does not fit; the target is as it was.
            UsageError: The plan was made from two listings and has nothing to write to.
        """
        return self._applier()(self)

    def check(self) -> None:
        """Raise :class:`RefusedError` where :meth:`apply` would refuse the plan as such."""
        self._applier().check(self)

    def _applier(self) -> Applier:
        from chainer_ft.errors import UsageError

        if self.applier is None:
            raise UsageError(
                "this plan was made from listings alone; make it with "
                "chainer_ft.plan(source, model) to apply it"
            )
        return self.applier

    def to_dict(self) -> dict[str, Any]:
        """The whole plan as plain data, with a ``schema`` key."""
        from chainer_ft.report.json import plan_data

        return plan_data(self)

    def to_json(self) -> str:
        """The same as JSON text."""
        import json

        return json.dumps(self.to_dict(), indent=1)

    def __str__(self) -> str:
        from chainer_ft.report.text import plan_table

        return plan_table(self)
