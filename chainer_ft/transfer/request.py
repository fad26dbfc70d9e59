"""From what was asked for and two ends to a plan that can be applied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from chainer_ft.errors import PluginError
from chainer_ft.host import Provided
from chainer_ft.planning import Rules, make_plan
from chainer_ft.planning.rules import renamed, skips
from chainer_ft.transfer.appliers import FileApplier, LinkApplier, Terms
from chainer_ft.transfer.ends import End, listing_of_link
from chainer_ft.types import Listing, MatchPolicy, Pair, Plan, Source

if TYPE_CHECKING:
    import chainer


def _to_itself(source: Listing, target: Listing) -> Iterator[Pair]:
    """Each entry to its own path: in a copy of everything no link is ever halved."""
    return (Pair(path, path) for path in target.paths if path in source)


_TO_ITSELF = MatchPolicy("name", "each entry to its own path", _to_itself)


@dataclass(frozen=True)
class Request:
    """What was asked for, apart from the ends.

    Args:
        policy: Who finds the partners.
        rules: Renames, skips and onlys of the user.
        terms: The conditions, and where the result goes.
    """

    policy: Provided[MatchPolicy]
    rules: Rules
    terms: Terms

    def into_link(self, origin: End, source: Source, link: chainer.Link, spec: str = "") -> Plan:
        """A plan for a live link; ``spec`` is how the command line names it."""
        self.terms.check_out()
        made = self._plan(source, listing_of_link(link, spec))
        return replace(made, applier=LinkApplier(origin, link, self.terms, spec))

    def into_file(self, origin: End, source: Source, end: End, target: Source) -> Plan:
        """A plan for an existing file, whose entries are the target."""
        self.terms.check_out(target)
        terms, form = self.terms, None
        if terms.out is None and target.whole and not isinstance(end, Source):
            terms, form = replace(terms, out=os.fspath(cast("str", end))), target.format
        made = self._plan(source, target.listing)
        return replace(made, applier=FileApplier(origin, end, terms, form))

    def into_new_file(self, origin: End, source: Source, path: str) -> Plan:
        """Everything, under its new names, without what is skipped or cannot be read."""
        terms = replace(self.terms, out=self.terms.out or path)
        terms.check_out()
        theirs, origins = renamed(source.listing, self.rules)
        gone = {skip.path for skip in skips(theirs, Listing(()), self.rules, origins)}
        kept = tuple(e for e in theirs if e.path not in gone and (e.shape is None or not e.note))
        target = Listing(kept, path, theirs.ordered)
        made = make_plan(source.listing, target, _TO_ITSELF, self.rules)
        return replace(made, applier=FileApplier(origin, None, terms))

    def _plan(self, source: Source, target: Listing) -> Plan:
        listing = source.for_target(target).listing
        try:
            return make_plan(listing, target, self.policy.item, self.rules)
        except PluginError as error:
            raise PluginError(f"plugin {self.policy.plugin}: {error}") from error
