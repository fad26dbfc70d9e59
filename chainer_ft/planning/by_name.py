"""Policy ``name``: the recursive copy_model, by path and shape, whole links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from chainer_ft.planning.fit import fit_by_name
from chainer_ft.types import Clash, Listing, MatchPolicy, Pair, Tie


def propose(source: Listing, target: Listing) -> Iterator[Pair | Tie | Clash]:
    """Pair links of equal path whose parameters all fit.

    Where one side wraps the whole net in one more link (a Classifier's ``/predictor``) and more
    links find their partner below it, that prefix is looked through.

    Example:
        >>> list(propose(Listing.of({"/fc/W": (2, 3)}), Listing.of({"/fc/W": (2, 3)})))
        [Pair(source='/fc/W', target='/fc/W', reason='', transforms=())]
    """
    to_source, why = _wrapping(source.links, target.links)
    for link, entries in target.links.items():
        theirs = source.links.get(to_source(link))
        if theirs:
            fit = fit_by_name(theirs, entries, why)
            yield from fit.pairs
            yield from fit.clashes


def _wrapping(source: Iterable[str], target: Iterable[str]) -> tuple[Callable[[str], str], str]:
    """From a target link's path to the source's, and what to say about it."""
    sources, targets = set(source), set(target)
    found: list[tuple[int, Callable[[str], str], str]] = [(len(sources & targets), str, "")]
    for prefix in _prefixes(sources):
        hits = sum(_wrapped(prefix, link) in sources for link in targets)
        found.append((hits, partial(_wrapped, prefix), f"the source is below {prefix}"))
    for prefix in _prefixes(targets):
        hits = sum(_wrapped(prefix, link) in targets for link in sources)
        found.append((hits, partial(_unwrapped, prefix), f"the target is below {prefix}"))
    _, to_source, why = max(found, key=lambda one: one[0])  # the first of equals: plain paths
    return to_source, why


def _prefixes(links: set[str]) -> Iterator[str]:
    """The links that all others are below, outermost first."""
    if not links or "/" in links:
        return
    common = min(links)
    while not all(link == common or link.startswith(common + "/") for link in links):
        common = common.rpartition("/")[0]
    parts = common.split("/")[1:] if common else []
    for depth in range(1, len(parts) + 1):
        yield "/" + "/".join(parts[:depth])


def _wrapped(prefix: str, link: str) -> str:
    return prefix if link == "/" else prefix + link


def _unwrapped(prefix: str, link: str) -> str:
    if link == prefix:
        return "/"
    return link[len(prefix) :] if link.startswith(prefix + "/") else ""


POLICY = MatchPolicy("name", "by path and shape, whole links (the recursive copy_model)", propose)
