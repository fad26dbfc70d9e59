"""Policy ``shape``: names ignored; links aligned in model order by type and shapes.

The alignment is the heaviest common subsequence of links, weighted by elements: the classic
dynamic program (Needleman and Wunsch, 1970, with no score for gaps), row by row in NumPy.
What two different best alignments treat differently is a tie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from chainer_ft.planning.families import compatible
from chainer_ft.planning.fit import Fit, castable, fit_by_name, pair, same_shape
from chainer_ft.types import Entry, Listing, MatchPolicy, Pair, Tie

_Link = tuple[Entry, ...]


def propose(source: Listing, target: Listing) -> Iterator[Pair | Tie]:
    """Pair links of equal shapes in model order; an inserted or dropped link shifts nothing.

    Example:
        >>> old = Listing.of({"/a/W": (2, 3), "/b/W": (4, 2)})
        >>> new = Listing.of({"/x/W": (2, 3), "/added/W": (2, 2), "/y/W": (4, 2)})
        >>> [(p.source, p.target) for p in propose(old, new)]
        [('/a/W', '/x/W'), ('/b/W', '/y/W')]
    """
    sources, targets = list(source.links.values()), list(target.links.values())
    if not sources or not targets:
        return
    weights, rows = _weights(sources, targets)
    sure, ties = align(weights, rows)
    for i, j in sure:
        yield from _fit(sources[i], targets[j]).pairs
    for some, others in ties:
        yield Tie(
            tuple(e.path for i in some for e in sources[i]),
            tuple(e.path for j in others for e in targets[j]),
            "equal shapes, and model order does not decide; use --rename or --skip",
        )


def align(
    weights: np.ndarray, rows: Sequence[int]
) -> tuple[list[tuple[int, int]], list[tuple[list[int], list[int]]]]:
    """Best alignments of two sequences.

    Args:
        weights: Shape ``(kinds, n_target)``: the worth of a match, 0 where there is none.
        rows: For each source element, its row in ``weights``.

    Returns:
        tuple: The matches that every best alignment has, as index pairs in order; and the
        groups of elements that different best alignments match differently.

    Example:
        >>> align(np.array([[5, 0, 5]]), [0])
        ([], [([0], [0, 2])])
    """
    n, m = len(rows), weights.shape[1]
    before = _table(weights, rows)
    weights = weights.astype(before.dtype)
    after = np.zeros(m + 1, before.dtype)
    best = before[n, m]
    partners: list[np.ndarray] = []
    idle_row, idle_column = np.zeros(n, bool), before[n, :-1] == best
    for i in reversed(range(n)):
        weight = weights[rows[i]]
        on_best = (weight > 0) & (before[i, :-1] + weight + after[1:] == best)
        partners.insert(0, np.flatnonzero(on_best))
        idle_row[i] = bool((before[i] + after == best).any())
        after = _step(after[::-1], weight[::-1])[::-1]
        idle_column |= before[i, :-1] + after[1:] == best
    wooed = np.bincount(np.concatenate(partners), minlength=m)
    sure = [
        (i, int(js[0]))
        for i, js in enumerate(partners)
        if len(js) == 1 and not idle_row[i] and wooed[js[0]] == 1 and not idle_column[js[0]]
    ]
    certain = {i for i, _ in sure}
    unsure = [(i, js) for i, js in enumerate(partners) if len(js) and i not in certain]
    return sure, _groups(unsure, m)


def _groups(unsure: Sequence[tuple[int, np.ndarray]], m: int) -> list[tuple[list[int], list[int]]]:
    """Rows and columns that are tied to each other, directly or through others."""
    group = np.full(m, -1)
    for i, js in unsure:
        touched = np.unique(group[js])
        group[np.isin(group, touched[touched >= 0])] = i
        group[js] = i
    found: dict[int, list[int]] = {}
    for i, js in unsure:
        found.setdefault(int(group[js[0]]), []).append(i)
    return [(some, np.flatnonzero(group == label).tolist()) for label, some in found.items()]


def _table(weights: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """``table[i, j]``: the best worth of the first ``i`` and the first ``j`` elements."""
    fits = int(weights.max(axis=1)[list(rows)].sum()) < 1 << 31
    table = np.zeros((len(rows) + 1, weights.shape[1] + 1), np.int32 if fits else np.int64)
    for i, row in enumerate(rows):
        table[i + 1] = _step(table[i], weights[row])
    return table


def _step(line: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The next line of the table, for one more element of the given weights."""
    made = np.zeros_like(line)
    np.maximum(line[1:], line[:-1] + weight, out=made[1:], casting="same_kind")
    return np.maximum.accumulate(made, out=made)


def _weights(sources: Sequence[_Link], targets: Sequence[_Link]) -> tuple[np.ndarray, list[int]]:
    """The worth of each match, once for each distinct kind of source link."""
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
