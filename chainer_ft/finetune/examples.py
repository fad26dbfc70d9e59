"""The examples that features are computed of, numbered through all drawn augmentations."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from chainer_ft.errors import UsageError
from chainer_ft.finetune.fingerprints import of_dataset, of_example
from chainer_ft.finetune.split import CannotSplit
from chainer_ft.images import Dataset
from chainer_ft.images.samples import Place

#: A worker process takes as long to start as to prepare so many images.
_EACH = 500


class Examples:
    """A dataset, or ``draws`` drawn augmentations of one behind each other.

    Row ``draw * len(dataset) + index`` is example ``index`` as it is in epoch ``draw``; a dataset
    that augments has ``get_example(index, epoch)`` for that.

    Args:
        dataset: A dataset of Chainer.
        draws: How many.
        workers: Processes that prepare examples of :class:`chainer_ft.images.Dataset`.

    Example:
        >>> Examples([1, 2, 3]).batch([2, 0])
        [3, 1]
    """

    def __init__(self, dataset: Any, draws: int = 1, workers: int = 0) -> None:
        self.dataset, self.draws, self.workers = dataset, draws, workers
        self.count = len(dataset)
        self._knows_epochs = _knows_epochs(dataset)
        if not self.count:
            raise CannotSplit("the dataset is empty")
        if draws > 1 and not self._knows_epochs:
            raise UsageError(
                f"{type(dataset).__name__} draws no augmentations; draws={draws} needs "
                "get_example(index, epoch)"
            )

    def __len__(self) -> int:
        return self.count * self.draws

    def __getitem__(self, row: int) -> Any:
        if self._knows_epochs:
            return self.dataset.get_example(row % self.count, epoch=row // self.count)
        return self.dataset[row]

    def batch(self, rows: Iterable[int]) -> list[Any]:
        """The examples of these rows."""
        return [self[int(row)] for row in rows]

    def ahead(self, batches: Sequence[Sequence[int]]) -> Iterator[list[Any]]:
        """The examples of the rows of several batches, one after the other, begun at once."""
        workers = min(self.workers, sum(map(len, batches)) // _EACH)
        if not workers or not isinstance(self.dataset, Dataset):
            return map(self.batch, batches)
        places = [[Place(row % self.count, row // self.count) for row in b] for b in batches]
        return self.dataset.ahead(places, workers)

    def check(self) -> None:
        """See that they are the same whenever they are asked for.

        Raises:
            CannotSplit: They are random, and nobody said how many draws to keep.
        """
        for row in {0, len(self) - 1}:
            if of_example(self[row]) != of_example(self[row]):
                raise CannotSplit(
                    f"the dataset gives another example {row} each time (random augmentation?)"
                )
        if self._knows_epochs and self.draws == 1:
            self._check_epochs()

    def fingerprint(self) -> list[Any]:
        """What tells these examples from others."""
        return [of_dataset(self.dataset, len(self), self.__getitem__), self.count, self.draws]

    def rows(self, indices: np.ndarray, epochs: np.ndarray) -> np.ndarray:
        """Rows of examples by their index and the epoch in which they are wanted."""
        rows: np.ndarray = (epochs % self.draws) * self.count + indices
        return rows

    def _check_epochs(self) -> None:
        for index in range(min(self.count, 4)):
            first, second = (self.dataset.get_example(index, epoch=epoch) for epoch in (0, 1))
            if of_example(first) != of_example(second):
                raise CannotSplit(
                    "the inputs are augmented anew in each epoch; draws=4 keeps the features of "
                    "four drawn augmentations of each"
                )


def _knows_epochs(dataset: Any) -> bool:
    method = getattr(dataset, "get_example", None)
    return method is not None and "epoch" in inspect.signature(method).parameters
