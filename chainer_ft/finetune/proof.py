"""Compare what is cached with what is not: the result, the reports, the gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainer_ft.finetune.batches import apply
from chainer_ft.finetune.ghosts import CannotReplay
from chainer_ft.finetune.outcome import named, outcome
from chainer_ft.finetune.split import CannotSplit

if TYPE_CHECKING:
    from chainer_ft.finetune.cut import Cached, Cut
    from chainer_ft.finetune.features import Features

#: Shuffled batches that are computed to see whether a sample depends on its neighbours.
_TRIES = 3
#: Relative difference that rounding explains.
_ROUNDING = 1e-3


def check_batches(cut: Cut, exact: bool = True) -> None:
    """See that a sample has the same features in another batch, and that these give the same.

    Inputs that turn out to be read by the function's own code are pinned.

    Raises:
        CannotSplit: They do not.
    """
    while True:
        try:
            _check_same(cut, cut.cached(cut.first, cut.watched.columns), cut.watched.outcome, exact)
            break
        except CannotReplay as error:
            cut.pin(error)
    if cut.job.training:  # an evaluation has the same batches each time
        for seed in range(min(_TRIES, 1 + len(cut.job.examples) // cut.size // 16)):
            _check_other_batch(cut, seed, exact)


def _check_other_batch(cut: Cut, seed: int, exact: bool) -> None:
    """Compute half of a batch again, each sample in another place and with other neighbours."""
    draw, first = np.random.default_rng(seed), cut.first
    half = draw.permutation(len(first))[: -(-len(first) // 2)]
    others = draw.integers(len(cut.job.examples), size=len(first) - len(half))
    order = draw.permutation(len(first))
    again = cut.computed(cut.job.batch(np.concatenate([first[half], others])[order]))
    now = np.argsort(order)[: len(half)]
    for before, after in zip(cut.watched.columns, again, strict=True):
        compare(before[half], after[now], exact)


def compare(old: np.ndarray, new: np.ndarray, exact: bool, what: str = "") -> None:
    """Compare numbers that should be the same: features, or what is named.

    Raises:
        CannotSplit: They differ by more than allowed.
    """
    if old.shape == new.shape and old.tobytes() == new.tobytes():
        return
    worst = _difference(old, new)
    if what and (exact or not worst < _ROUNDING):
        raise CannotSplit(f"{what} is not the same from features: {worst:.1g} of its size off")
    if not worst < _ROUNDING:
        raise CannotSplit("what a sample gives depends on the other samples of its batch")
    if exact:
        raise CannotSplit(
            f"features change by {worst:.1g} of their size with the other samples of the batch "
            "(rounding in matrix products); exact=False takes that"
        )


def _difference(old: np.ndarray, new: np.ndarray) -> float:
    """The largest difference as a share of the largest number; infinite for other shapes."""
    if old.dtype.kind not in "fiub" or old.shape != new.shape:
        return float("inf")
    before, after = old.astype(np.float64), new.astype(np.float64)
    return float(np.abs(before - after).max()) / (float(np.abs(before).max()) or 1.0)


def check_file(features: Features, exact: bool = True) -> None:
    """See that a shuffled batch from the file gives what the function gives without it.

    Raises:
        CannotSplit: It does not.
    """
    total, size = len(features.job.examples), features.cut.size
    if features.job.training:
        rows = np.resize(np.random.default_rng(0).permutation(total), size)
    else:
        rows = np.arange((total - 1) // size * size, total)
    cut = features.cut
    full = _outcome(cut, lambda: apply(cut.job.function, cut.job.batch(rows)))
    try:
        _check_same(cut, features.batch(rows), full, exact)
    except CannotReplay as error:
        raise CannotSplit(str(error)) from error


def _check_same(cut: Cut, cached: Cached, full: Mapping[str, np.ndarray], exact: bool) -> None:
    """Compare one batch, computed in full and from features."""
    short = _outcome(cut, lambda: cut(cached))
    for name in full.keys() | short.keys():
        if name not in full or name not in short:
            raise CannotSplit(f"with cached features, {name} is not always there")
        compare(full[name], short[name], exact, name)


def _outcome(cut: Cut, call: Callable[[], Any]) -> dict[str, np.ndarray]:
    with cut.job.watched() as reported:
        return outcome(cut.job.model, named(call(), reported))
