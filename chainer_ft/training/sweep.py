"""Updates at a growing learning rate, and everything undone after them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import chainer
import numpy as np
from chainer import iterators
from chainer.training import Trainer, Updater

from chainer_ft.errors import UsageError
from chainer_ft.report.lr_curves import Curve, diverges
from chainer_ft.training.memento import remembering

#: These fetch ahead in threads or processes; a plain iterator over the same data stands in.
_AHEAD = (iterators.MultiprocessIterator, iterators.MultithreadIterator)


@contextmanager
def undoing(updater: Any, iterator: Any, leave: Iterable[object] = ()) -> Iterator[None]:
    """Remember everything, give what cannot be remembered a stand-in, put everything back."""
    own = getattr(updater, "_iterators", {})
    stand_ins = {n: _plain(it) for n, it in own.items() if isinstance(it, _AHEAD)}
    if iterator is not None:
        stand_ins["main"] = iterator
    left = [*leave, *(own[name] for name in stand_ins if name in own)]
    data = _datasets([*own.values(), *stand_ins.values()])
    places = {name: it.epoch_detail for name, it in own.items() if hasattr(it, "epoch_detail")}
    with remembering(updater, "updater", data, left), remembering(stand_ins, "iterator", data):
        own.update(stand_ins)
        yield
    moved = [name for name, place in places.items() if own[name].epoch_detail != place]
    if moved:
        raise UsageError(
            f"the iterator {moved[0]!r} was advanced behind the updater's back; begin the run "
            "anew, and give lr_find an updater that takes its batches from get_iterator()"
        )


def _datasets(iterators: list[Any]) -> list[Any]:
    """Each once."""
    return list({id(it.dataset): it.dataset for it in iterators if hasattr(it, "dataset")}.values())


def _plain(iterator: Any) -> iterators.SerialIterator:
    """The same data in an order of its own, one batch after the other."""
    sampler = iterator.order_sampler and iterators.ShuffleOrderSampler(np.random.RandomState(0))
    shuffle = None if sampler else False
    return iterators.SerialIterator(
        iterator.dataset, iterator.batch_size, shuffle=shuffle, order_sampler=sampler
    )


def sweep(
    updater: Updater, optimizer: Any, name: str, rates: list[float], loss: str, diverge: float
) -> Curve:
    """Update once at each rate, until the loss diverges.

    Args:
        updater: Within :func:`undoing`.
        optimizer: Its optimizer.
        name: The hyperparameter that is the rate.
        rates: Its values.
        loss: Name of the loss among what is reported.
        diverge: How many times the lowest loss is the end.
    """
    reporter = _reporter(updater)
    losses: list[float] = []
    end = f"reached {rates[-1]:g}"
    for rate in rates:
        setattr(optimizer.hyperparam, name, rate)
        try:
            losses.append(_step(updater, reporter, loss))
        except StopIteration:
            end = f"no more data at {rate:.2g}"
            break
        if diverges(losses, diverge):
            end = f"diverged at {rate:.2g}"
            break
    finite = [value for value in losses if math.isfinite(value)]
    return Curve(tuple(rates[: len(finite)]), tuple(finite), end)


def _step(updater: Updater, reporter: Any, loss: str) -> float:
    """One update, unseen by the trainer; numbers may overflow."""
    observed: dict[str, Any] = {}
    quiet = np.errstate(all="ignore"), chainer.using_config("debug", False)
    with reporter.scope(observed), quiet[0], quiet[1]:
        updater.update()
    if loss not in observed:
        reported = ", ".join(map(str, observed)) or "nothing"
        raise UsageError(
            f"the model reports no {loss!r} (but {reported}); give loss= one of these, or report "
            "it in the model: chainer.report({'loss': loss}, self)"
        )
    value = getattr(observed[loss], "array", observed[loss])
    return float(chainer.backend.CpuDevice().send(value))


def _reporter(updater: Updater) -> chainer.Reporter:
    """One that knows all that a trainer's would know."""
    made = Trainer(updater).reporter
    current = chainer.reporter._get_reporters()
    made._observer_names.update(current[-1]._observer_names if current else {})
    return made
