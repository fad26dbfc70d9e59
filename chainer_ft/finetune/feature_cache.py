"""Train what is live from cached features of what is frozen."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chainer
from chainer.training import Extension, StandardUpdater
from chainer.training.extensions import Evaluator

from chainer_ft.errors import ChainerFTError
from chainer_ft.finetune.examples import Examples
from chainer_ft.finetune.features import Features, Progress
from chainer_ft.finetune.job import Job
from chainer_ft.finetune.moment import random_kept
from chainer_ft.finetune.split import CannotSplit, NotReady
from chainer_ft.finetune.switch import Switch
from chainer_ft.images import Batches
from chainer_ft.images.pool import WorkerError
from chainer_ft.links import named_links
from chainer_ft.training.modes import mode_of
from chainer_ft.training.proof import frozen

_log = logging.getLogger("chainer_ft")


class FeatureCache(Extension):  # type: ignore[misc]
    """Trainer extension that computes the frozen beginning of the model once, not in each epoch.

    What is frozen is computed once for all of the training set (and for that of each Evaluator)
    and kept in a memory-mapped file; the rest is trained from it. Where the cut is follows from
    the computation itself. The result is the same to the last bit: this is tried on batches
    before the file is used, and where it does not hold, or nothing is frozen at the beginning,
    the training goes on without features and the log says why: as a warning where a file cannot
    be written. The file goes at the thaw.

    Args:
        folder: For the files; ``features`` in the trainer's ``out`` by default. Runs of the same
            weights, inputs and settings share them, and an interrupted run goes on with them.
        exact: ``False`` takes features that change by rounding with the rest of their batch.
        draws: How many drawn augmentations of each example are kept, if the dataset augments
            (``get_example(index, epoch)``); in epoch ``e`` it is draw ``e % draws``.
        limit: Bytes that a file may have.
        keep: Leave the files where they are after the thaw.
        optimizer: Name of the optimizer whose target it is.
        progress: Called while features are computed, with the rows done and all.

    Attributes:
        reason (str): Why there are no features, or empty.

    Example:
        >>> extension = FeatureCache("features", draws=4)
        >>> extension.is_used
        False
    """

    trigger = (1, "iteration")
    priority = -60  # after Freeze and Schedule, before snapshots

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        exact: bool = True,
        draws: int = 1,
        limit: int = 8 << 30,
        keep: bool = False,
        optimizer: str = "main",
        progress: Progress | None = None,
    ) -> None:
        self.folder, self.exact, self.draws = folder, exact, draws
        self.limit, self.keep, self.optimizer = limit, keep, optimizer
        self.progress = progress
        self.reason = "the training has not begun"
        self._switches: list[Switch] = []
        self._setting: Any = None
        self._waits = False

    @property
    def is_used(self) -> bool:
        """Whether the training works on features now."""
        return any(switch.name == "loss_func" for switch in self._switches)

    def initialize(self, trainer: Any) -> None:
        """Compute the features, if there is something frozen to compute."""
        self._start(trainer)

    def __call__(self, trainer: Any) -> None:
        """See whether something was thawed."""
        updater = trainer.updater
        failures = [switch.failure for switch in self._switches if switch.failure]
        if failures:  # it may do so again at any time
            self.reason = failures[0]
            self._stop(remove=not self.keep)
            return
        changed = self._waits or not all(switch.holds for switch in self._switches)
        if changed or (updater.is_new_epoch and self._setting != self._setting_of(trainer)):
            self._stop(remove=not self.keep)
            self._start(trainer)

    def finalize(self) -> None:
        """Give the updater back what it had; the files stay for a run that goes on."""
        self._stop(remove=False)

    def _start(self, trainer: Any) -> None:
        self._setting, self._waits = self._setting_of(trainer), False
        folder = self.folder if self.folder is not None else Path(trainer.out) / "features"
        for owner, name, job in self._jobs(trainer):
            word = "training" if name == "loss_func" else "evaluation"
            try:
                with random_kept():
                    features = Features(job(), self.exact)
                    features.prepare(folder, self.limit, self.progress)
                switch = Switch(owner, name, features)
                switch.on()
            except WorkerError:  # the next batch would need them, too
                raise
            except ChainerFTError as error:
                self._waits = self._waits or isinstance(error, NotReady)
                level = logging.INFO if isinstance(error, CannotSplit) else logging.WARNING
                _log.log(level, "no cached features in %s: %s", word, error)
                self.reason = str(error) if name == "loss_func" else self.reason
                continue
            self._switches.append(switch)
            self.reason = "" if name == "loss_func" else self.reason
            _log.info("%s works on cached features: %s", word, features)

    def _jobs(self, trainer: Any) -> Iterator[tuple[Any, str, Any]]:
        updater = trainer.updater
        yield updater, "loss_func", lambda: self._training(trainer)
        for entry in trainer._extensions.values():
            evaluator = entry.extension
            if isinstance(evaluator, Evaluator):
                yield evaluator, "eval_func", lambda one=evaluator: _evaluation(one, trainer)

    def _training(self, trainer: Any) -> Job:
        updater = trainer.updater
        known = isinstance(updater, StandardUpdater)
        if not known or type(updater).update_core is not StandardUpdater.update_core:
            raise CannotSplit(f"a {type(updater).__name__} updates in a way of its own")
        iterator, target = updater.get_iterator("main"), self._target(trainer)
        return Job(
            updater.loss_func or target,
            target,
            Examples(_dataset(iterator), self.draws, _workers(iterator)),
            iterator.batch_size,
            updater.converter,
            updater.input_device,
            reporter=trainer.reporter,
        )

    def _setting_of(self, trainer: Any) -> Any:
        target = self._target(trainer)
        modes = tuple((path, mode_of(link)) for path, link in named_links(target))
        return frozen(target).params, modes

    def _target(self, trainer: Any) -> chainer.Link:
        return trainer.updater.get_optimizer(self.optimizer).target

    def _stop(self, remove: bool) -> None:
        for switch in self._switches:
            switch.off()
            switch.features.close(remove)
        self._switches = []


def _evaluation(evaluator: Evaluator, trainer: Any) -> Job:
    if type(evaluator).evaluate is not Evaluator.evaluate:
        raise CannotSplit(f"a {type(evaluator).__name__} evaluates in a way of its own")
    iterator, target = evaluator._iterators["main"], evaluator._targets["main"]
    if getattr(iterator, "order_sampler", None) is not None:
        raise CannotSplit("the evaluation shuffles its samples")
    return Job(
        evaluator.eval_func or target,
        target,
        Examples(_dataset(iterator), workers=_workers(iterator)),
        iterator.batch_size,
        evaluator.converter,
        evaluator.device,
        training=False,
        reporter=trainer.reporter,
    )


def _workers(iterator: Any) -> int:
    return iterator.workers if isinstance(iterator, Batches) else 0


def _dataset(iterator: Any) -> Any:
    dataset = getattr(iterator, "dataset", None)
    if dataset is None or not hasattr(iterator, "batch_size"):
        raise CannotSplit(f"a {type(iterator).__name__} has no dataset or batch_size")
    return dataset
