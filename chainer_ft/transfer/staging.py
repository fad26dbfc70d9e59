"""Every array is checked before the first one is written."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainer_ft.errors import ArrayError
from chainer_ft.types import Entry, Pair, Plan, Source
from chainer_ft.types.source import BLOCK_BYTES


def stage(plan: Plan, source: Source) -> list[tuple[str, np.ndarray]]:
    """Read all arrays of a plan, checked and in the target's dtype.

    Args:
        plan: The plan.
        source: Where its source entries are read from.

    Returns:
        list: Target path and array, the caller's own.

    Raises:
        ArrayError: One does not fit; names it.
    """
    staged = []
    shared: dict[str, tuple[Pair, np.ndarray]] = {}
    for pair in plan.pairs:
        target = plan.target[pair.target]
        array = fitted(source.read(pair.source), pair, target, source.name)
        first, other = shared.setdefault(target.owner, (pair, array))
        if first is not pair and not np.array_equal(other, array, equal_nan=True):
            raise ArrayError(
                f"{first.target} and {pair.target} are one array in the target, but {source.name} "
                f"has two that differ: {first.source} and {pair.source}; --skip one of them"
            )
        staged.append((pair.target, array))
    return staged


def fitted(array: np.ndarray, pair: Pair, target: Entry, origin: str) -> np.ndarray:
    """One array in the target's dtype, in C order.

    Raises:
        ArrayError: Its shape is not the target's, a number would not survive the cast, or it
            holds NaN or infinity.
    """
    where = f"{origin}::{pair.source}"
    if target.shape is not None and array.shape != target.shape:
        raise ArrayError(f"{where} is {array.shape}, {pair.target} is {target.shape}")
    check_finite(array, target, where)
    return np.ascontiguousarray(_cast(array, target, where)).reshape(array.shape)


def checked_blocks(blocks: Iterator[np.ndarray], target: Entry, where: str) -> Iterator[np.ndarray]:
    """Pieces of an array, each checked and cast on its way to a file.

    Raises:
        ArrayError: As :func:`fitted`; or there are more or fewer numbers than the target has.
    """
    left = target.size
    for block in blocks:
        left -= block.size
        if left < 0:
            break
        check_finite(block, target, where)
        yield _cast(block, target, where)
    if left:
        raise ArrayError(f"{where}: has {target.size - left} numbers, {target.path} {target.size}")


def check_finite(array: np.ndarray, target: Entry, where: str) -> None:
    """Raise :class:`ArrayError` for NaN or infinity in weights (numbers beside them may be)."""
    if array.dtype.kind not in "fc" or target.is_counter or array.size == 0 or _is_finite(array):
        return
    bad = array.size - int(np.isfinite(array).sum())
    raise ArrayError(
        f"{where}: {bad} of {array.size} numbers are NaN or infinite; --skip {target.path} to "
        "leave it out"
    )


def _is_finite(array: np.ndarray) -> bool:
    flat = array.ravel(order="K")
    step = max(BLOCK_BYTES // array.itemsize, 1)  # a temporary that stays in the cache of a core
    return all(np.isfinite(flat[i : i + step]).all() for i in range(0, flat.size, step))


def _cast(array: np.ndarray, target: Entry, where: str) -> np.ndarray:
    if target.dtype is None or array.dtype == target.dtype:
        return array
    with np.errstate(all="ignore"):
        cast = array.astype(target.dtype)
        lost = _lost(array, cast)
    if lost:
        raise ArrayError(
            f"{where}: {lost} numbers do not survive the cast {array.dtype} -> {target.dtype} "
            f"of {target.path}; --skip {target.path} to leave it out"
        )
    return cast


def _lost(array: np.ndarray, cast: np.ndarray) -> int:
    """Numbers that overflow, or, where integers take part, change at all."""
    if array.dtype.kind in "fc" and cast.dtype.kind in "fc":
        return int((np.isfinite(array) & ~np.isfinite(cast)).sum())
    changed = cast.astype(array.dtype) != array
    if {array.dtype.kind, cast.dtype.kind} == {"i", "u"}:
        changed |= (cast < 0) != (array < 0)  # -1 comes back from what it wraps to
    return int(changed.sum())
