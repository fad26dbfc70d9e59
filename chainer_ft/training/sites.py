"""A model's links and parameters in its own order, for selections."""

from __future__ import annotations

from collections.abc import Sequence

import chainer

from chainer_ft.links import named_links, own_slots
from chainer_ft.select import Selection, Site, predicate


def sites(model: chainer.Link) -> list[Site]:
    """Every link and parameter: a link before its own parameters, these before its children.

    Example:
        >>> import chainer
        >>> model = chainer.Chain(fc=chainer.links.Linear(2, 3))
        >>> [site.path for site in sites(model)]
        ['/', '/fc', '/fc/W', '/fc/b']
    """
    found = []
    for path, link in named_links(model):
        own = link._params or link._persistent
        found.append(Site(path, link, path if own else ""))
        prefix = path.rstrip("/")
        found += [
            Site(f"{prefix}/{slot.name}", slot.value, path)
            for slot in own_slots(link, prefix)
            if slot.kind == "param"
        ]
    return found


def select(model: chainer.Link, selections: Sequence[Selection]) -> frozenset[str]:
    """Paths of the links and parameters that at least one selection hits.

    Raises:
        RuleError: One of them hits nothing; names the nearest paths.
    """
    return predicate(tuple(selections)).select(sites(model))
