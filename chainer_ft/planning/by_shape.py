"""Policy ``shape``: names ignored; links aligned in model order by type and shapes.

What two different best alignments treat differently is a tie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chainer_ft.planning.families import compatible
from chainer_ft.planning.fit import Fit, castable, fit_by_name, pair, same_shape
from chainer_ft.types import Entry, Listing, MatchPolicy, Pair, Tie

if TYPE_CHECKING:
    import numpy as np

_Link = tuple[Entry, ...]


_NO_DECISION = "equal shapes, and model order does not decide; use --rename or --skip"
_NO_ORDER = "equal shapes, and the file does not keep the model's order; use --policy name"


def propose(source: Listing, target: Listing) -> Iterator[Pair | Tie]:
    """Pair links of equal shapes in model order; an inserted or dropped link shifts nothing.

    Where a side's order is not the model's own (an npz of stock Chainer), only links of a shape
    that occurs once on either side are paired.

    Example:
        >>> old = Listing.of({"/a/W": (2, 3), "/b/W": (4, 2)})
        >>> new = Listing.of({"/x/W": (2, 3), "/added/W": (2, 2), "/y/W": (4, 2)})
        >>> [(p.source, p.target) for p in propose(old, new)]
        [('/a/W', '/x/W'), ('/b/W', '/y/W')]
    """
    from chainer_ft.planning.align import align, pair_off

    sources, targets = list(source.links.values()), list(target.links.values())
    if not sources or not targets:
        return
    weights, rows = _weights(sources, targets)
    ordered = source.ordered and target.ordered
    sure, ties = (align if ordered else pair_off)(weights, rows)
    for i, j in sure:
        yield from _fit(sources[i], targets[j]).pairs
    for some, others in ties:
        yield Tie(
            tuple(e.path for i in some for e in sources[i]),
            tuple(e.path for j in others for e in targets[j]),
            _NO_ORDER if not ordered else _NO_DECISION,
        )


def _weights(sources: Sequence[_Link], targets: Sequence[_Link]) -> tuple[np.ndarray, list[int]]:
    """The worth of each match, once for each distinct kind of source link."""
    import numpy as np

    kinds: dict[object, int] = {}
    rows = [kinds.setdefault(_signature(link), len(kinds)) for link in sources]
    examples = dict(zip(rows, sources, strict=True))
    columns: dict[object, list[int]] = {}
    for j, link in enumerate(targets):
        columns.setdefault(_signature(link), []).append(j)
    weights = np.zeros((len(kinds), len(targets)), np.int64)
    for row, link in examples.items():
        worth = max(sum(entry.size for entry in link), 1)
        for group in columns.values():
            if _fit(link, targets[group[0]]).pairs:
                weights[row, group] = worth
    return weights, rows


def _signature(link: _Link) -> object:
    return tuple(
        (e.name, e.shape, e.partial_shape, e.kind, str(e.dtype), e.link_type, e.bases) for e in link
    )


def _fit(source: _Link, target: _Link) -> Fit:
    """By the names of the arrays where they agree, else by shapes that occur once."""
    if {e.name for e in source} & {e.name for e in target}:
        return fit_by_name(source, target, "same shapes, in model order")
    pairs = []
    for entry in target:
        partners = [e for e in source if same_shape(e, entry) and castable(e, entry)]
        rivals = [e for e in target if e.shape == entry.shape]
        if len(partners) != 1 or len(rivals) != 1:
            return Fit(reason="no partner of the same shape")
        pairs.append(pair(partners[0], entry, "same shape, in model order"))
    fits = len(pairs) == len(source) and compatible(source[0], target[0])
    return Fit(tuple(pairs)) if fits else Fit(reason="the links differ")


POLICY = MatchPolicy("shape", "names ignored: links of equal shapes, in model order", propose)
