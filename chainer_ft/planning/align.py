"""The heaviest common subsequence of two sequences, and what of it is certain. Pure.

The classic dynamic program (Needleman and Wunsch, 1970, with no score for gaps), a row at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


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
        >>> import numpy as np
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


def pair_off(
    weights: np.ndarray, rows: Sequence[int]
) -> tuple[list[tuple[int, int]], list[tuple[list[int], list[int]]]]:
    """Matches that hold in any order: one possible partner on either side.

    Args:
        weights: See :func:`align`.
        rows: See :func:`align`.

    Returns:
        tuple: The matches, and the groups of elements with several possible partners.

    Example:
        >>> import numpy as np
        >>> pair_off(np.array([[5, 0, 5], [0, 2, 0]]), [0, 1])
        ([(1, 1)], [([0], [0, 2])])
    """
    partners = [np.flatnonzero(weights[row]) for row in rows]
    wooed = np.bincount(np.concatenate(partners), minlength=weights.shape[1])
    alone = [len(js) == 1 and wooed[js[0]] == 1 for js in partners]
    sure = [(i, int(js[0])) for i, js in enumerate(partners) if alone[i]]
    unsure = [(i, js) for i, js in enumerate(partners) if len(js) and not alone[i]]
    return sure, _groups(unsure, weights.shape[1])


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
