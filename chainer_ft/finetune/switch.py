"""Let an updater or an Evaluator of Chainer work on features, and put it back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import chainer
import numpy as np
from chainer.iterators import SerialIterator

from chainer_ft.finetune.batches import apply
from chainer_ft.finetune.cut import Cached
from chainer_ft.finetune.features import Features
from chainer_ft.finetune.ghosts import CannotReplay
from chainer_ft.finetune.moment import Statistics
from chainer_ft.finetune.numbered import Numbers, epochs_of, move_state, numbered
from chainer_ft.training.parameters import tuning_of

_log = logging.getLogger("chainer_ft")


class Switch:
    """What an updater or an Evaluator has is replaced while this is on.

    Args:
        owner: A StandardUpdater or an Evaluator.
        name: Its attribute for the function that it calls: ``loss_func`` or ``eval_func``.
        features: What it gets instead.

    Attributes:
        failure (str): What the function did that it had not done before, or empty.
    """

    def __init__(self, owner: Any, name: str, features: Features) -> None:
        self.owner, self.name, self.features = owner, name, features
        self.is_on, self.failure = False, ""
        self._before: tuple[Any, Any, Any, Any] = (None, None, None, None)
        self._now: Cached | None = None
        self._statistics = Statistics(features.job.model)
        params = features.job.model.params()
        self._frozen = [param for param in params if tuning_of(param).frozen]

    def on(self) -> None:
        """Replace; the iterator goes on where it is."""
        owner, iterator = self.owner, self.owner._iterators["main"]
        dataset = iterator.dataset
        if type(iterator) is not SerialIterator:
            owner._iterators["main"] = numbered(iterator, self.features.job.training)
        else:
            iterator.dataset = Numbers(len(dataset))
        self._before = iterator, dataset, owner.converter, getattr(owner, self.name)
        owner.converter = _Converter(self._convert)
        setattr(owner, self.name, self._call)
        self.is_on = True

    def off(self) -> None:
        """Put all of it back; the iterator goes on where it is."""
        if not self.is_on:
            return
        self.is_on = False
        owner, now = self.owner, self.owner._iterators["main"]
        iterator, dataset, owner.converter, function = self._before
        setattr(owner, self.name, function)
        if iterator is now:
            iterator.dataset = dataset
            return
        owner._iterators["main"] = iterator
        if self.features.job.training:  # an Evaluator begins anew each time
            move_state(now, iterator)

    @property
    def holds(self) -> bool:
        """Whether all is as it was when the features were computed."""
        return not self.failure and all(tuning_of(param).frozen for param in self._frozen)

    def _convert(self, batch: Sequence[int], device: Any) -> Any:
        indices, job = np.asarray(batch), self.features.job
        epochs = np.zeros(len(indices), int)
        if job.training:
            epochs = epochs_of(self.owner._iterators["main"], job.examples.count, len(indices))
        self._now = self.features.batch(job.examples.rows(indices, epochs))
        return self._now.batch

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        """The function, on what :meth:`_convert` gave last."""
        assert self._now is not None
        if self.holds:
            self._statistics.keep()
            try:
                return self.features.cut(self._now)
            except CannotReplay as error:
                _log.warning("features are not used any more: %s", error)
                self._statistics.put_back()
                self.failure = str(error)
        return apply(self.features.job.function, self.features.job.batch(self._now.rows))


class _Converter(chainer.dataset.Converter):  # type: ignore[misc]
    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function

    def __call__(self, batch: Any, device: Any) -> Any:
        return self.function(batch, device)
