"""Policy ``suffix``: links whose last name is the same, wherever they are in the two nets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chainer_ft.types import Entry, Listing, MatchPolicy, Pair, Tie


def propose(source: Listing, target: Listing) -> Iterator[Pair | Tie]:
    """Pair the links whose last name occurs once on each side.

    Example:
        >>> theirs = Listing.of({"/net/body/fc/W": (2, 3)})
        >>> ours = Listing.of({"/predictor/fc/W": (2, 3)})
        >>> [(pair.source, pair.target) for pair in propose(theirs, ours)]
        [('/net/body/fc/W', '/predictor/fc/W')]
    """
    theirs, ours = _by_last_name(source.links), _by_last_name(target.links)
    for name in ours:
        if name not in theirs:
            continue
        if len(theirs[name]) == len(ours[name]) == 1:
            yield from _pairs(source.links[theirs[name][0]], target.links[ours[name][0]], name)
        else:
            reason = f"{len(theirs[name])} and {len(ours[name])} links are called {name}"
            yield Tie(_paths(source, theirs[name]), _paths(target, ours[name]), reason)


def _pairs(source: Iterable[Entry], target: Iterable[Entry], name: str) -> Iterator[Pair]:
    """All arrays of a link, or none; where shapes differ, those pairs alone, for the report."""
    theirs = {entry.name: entry for entry in source}
    ours = {entry.name: entry for entry in target}
    if theirs.keys() != ours.keys():
        return
    clashing = [key for key in ours if ours[key].shape not in (None, theirs[key].shape)]
    for key in clashing or ours:
        yield Pair(theirs[key].path, ours[key].path, f"both are called {name}")


def _by_last_name(links: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for link in links:
        found.setdefault(link.rpartition("/")[2], []).append(link)
    return found


def _paths(listing: Listing, links: Iterable[str]) -> tuple[str, ...]:
    return tuple(entry.path for link in links for entry in listing.links[link])


POLICY = MatchPolicy("suffix", "links whose last name is the same and unique", propose)
