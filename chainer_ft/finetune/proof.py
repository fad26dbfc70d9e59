"""Compare what is cached with what is not: the result, the reports, the gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import chainer
import numpy as np

from chainer_ft.finetune.batches import apply, flat
from chainer_ft.finetune.calls import heard_by
from chainer_ft.finetune.ghosts import CannotReplay, Ghost
from chainer_ft.finetune.split import CannotSplit
from chainer_ft.training.parameters import tuning_of

if TYPE_CHECKING:
    from chainer_ft.finetune.cut import Cached, Cut
    from chainer_ft.finetune.features import Features
    from chainer_ft.finetune.job import Job

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
    rows = np.arange(cut.size) % len(cut.job.examples)
    while True:
        try:
            columns = cut.computed(rows)
            check_same(cut, cut.cached(rows, columns), exact)
            break
        except CannotReplay as error:
            cut.pin(error)
    if cut.job.training:  # an evaluation has the same batches each time
        for seed in range(_TRIES):
            _check_other_batch(cut, rows, columns, seed, exact)


def _check_other_batch(
    cut: Cut, first: np.ndarray, columns: list[np.ndarray], seed: int, exact: bool
) -> None:
    """Compute half of a batch again, each sample in another place and with other neighbours."""
    draw = np.random.default_rng(seed)
    half = draw.permutation(len(first))[: -(-len(first) // 2)]
    others = draw.integers(len(cut.job.examples), size=len(first) - len(half))
    order = draw.permutation(len(first))
    again = cut.computed(np.concatenate([first[half], others])[order])
    now = np.argsort(order)[: len(half)]
    for before, after in zip(columns, again, strict=True):
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
    try:
        check_same(features.cut, features.batch(rows), exact)
    except CannotReplay as error:
        raise CannotSplit(str(error)) from error


def check_same(cut: Cut, cached: Cached, exact: bool) -> None:
    """Compare one batch, computed in full and from features."""
    job = cut.job
    full = outcome(job, lambda: apply(job.function, job.batch(cached.rows)))
    short = outcome(job, lambda: cut(cached))
    for name in full.keys() | short.keys():
        if name not in full or name not in short:
            raise CannotSplit(f"with cached features, {name} is not always there")
        compare(full[name], short[name], exact, name)


def outcome(job: Job, call: Callable[[], Any]) -> dict[str, np.ndarray]:
    """The result, what is reported, and the gradients."""
    with job.watched() as seen, heard_by(None):
        result = call()
        values = {f"result {i}": value for i, value in enumerate(flat(result))} | seen
        found = {name: _numbers(value) for name, value in values.items()}
        if job.training and isinstance(result, chainer.Variable) and result.size == 1:
            found |= _gradients(job.model, result)
    return found


def _gradients(model: chainer.Link, loss: chainer.Variable) -> dict[str, np.ndarray]:
    model.cleargrads()
    loss.backward()
    found = {
        f"the gradient of {path}": _numbers(param.grad)
        for path, param in model.namedparams()
        if not tuning_of(param).frozen and param.grad is not None
    }
    model.cleargrads()
    return found


def _numbers(value: Any) -> np.ndarray:
    array = getattr(value, "array", value)
    if isinstance(array, Ghost):
        raise CannotReplay(f"the function returns or reports {array.source}", array.source)
    return np.array(chainer.backend.CpuDevice().send(array))
