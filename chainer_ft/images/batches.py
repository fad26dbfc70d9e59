"""Batches of images as an iterator of Chainer, prepared ahead in worker processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import chainer
import numpy as np

from chainer_ft.errors import RefusedError, UsageError
from chainer_ft.images.dataset import Dataset
from chainer_ft.images.order import Place, places
from chainer_ft.images.picture import quiet
from chainer_ft.images.pool import Pool

_MOST = 8


def usual_workers() -> int:
    """How many processes prepare batches unless one says so: one for each core, at most 8."""
    if os.name != "posix":
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, _MOST)


class Batches(chainer.dataset.Iterator):  # type: ignore[misc]
    """Batches of a data set of images, for ``StandardUpdater`` and ``Evaluator``.

    What a batch holds depends on the seed and its place in the run: not on how many processes
    prepare it, nor on whether the run was resumed. Unlike Chainer's ``MultiprocessIterator``
    it starts the workers afresh: they share nothing with a GPU, and a script needs no
    ``if __name__ == "__main__"`` for them.

    Args:
        dataset: The images.
        batch_size: Images in a batch.
        repeat: Whether to go on after one epoch.
        shuffle: Whether each epoch has an order of its own.
        seed: Of these orders.
        workers: Processes that prepare batches; 0 prepares them here, when they are asked for.
            By default one for each core, at most 8.

    Attributes:
        epoch: Whole epochs done.
        is_new_epoch: Whether the last batch ended one.

    Example:
        >>> import os, tempfile
        >>> from chainer_ft.images import Preprocessing, find
        >>> file = os.path.join(tempfile.mkdtemp(), "digits.npz")
        >>> np.savez(file, x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
        >>> data = Dataset(find(file), "train", Preprocessing((4, 4), "L"))
        >>> batches = Batches(data, 6, workers=0)
        >>> x, t = chainer.dataset.concat_examples(next(batches))
        >>> x.shape, t.shape, batches.epoch_detail
        ((6, 1, 4, 4), (6,), 0.375)
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        repeat: bool = True,
        shuffle: bool = True,
        seed: int = 0,
        workers: int | None = None,
    ) -> None:
        self._pool: Pool | None = None
        self._asked = self._coming = 0  # images asked for, batches not yet taken
        self.dataset, self.batch_size, self.repeat = dataset, batch_size, repeat
        self._seed = seed if shuffle else None
        self._workers = usual_workers() if workers is None else workers
        if batch_size < 1 or self._workers < 0 or not len(dataset):
            raise UsageError(
                f"batches of {batch_size} out of {len(dataset)} images by {self._workers} workers: "
                "give a batch size from 1, workers from 0, and some images"
            )
        self.reset()

    def reset(self) -> None:
        """Go back to the first batch."""
        self._position, self._previous = 0, -1
        self._read_ahead(0)

    def __next__(self) -> list[tuple[np.ndarray, np.int32]]:
        """The next batch: pairs of input and label.

        Raises:
            StopIteration: The epoch is over, and it is the only one.
            FormatError: An image cannot be read.
            WorkerError: A worker process was killed.
        """
        batch = self._places(self._position)
        if not batch:
            raise StopIteration
        inputs = self._inputs(batch)
        self._previous, self._position = self._position, self._position + len(batch)
        labels = self.dataset.samples.labels
        return [(x, labels[place.image]) for x, place in zip(inputs, batch, strict=True)]

    next = __next__

    def _places(self, start: int) -> list[Place]:
        return places(len(self.dataset), start, self.batch_size, self._seed, self.repeat)

    def _inputs(self, batch: list[Place]) -> np.ndarray:
        samples = self.dataset.samples
        if not self._workers:
            with quiet():
                return np.stack([samples.input(place.image, place.epoch) for place in batch])
        if self._pool is None:
            self._pool = Pool(samples, self.batch_size, self._workers)
        try:
            return self._taken(self._pool)
        except BaseException:
            self.finalize()  # what is on its way belongs to nobody any more
            raise

    def _taken(self, pool: Pool) -> np.ndarray:
        self._ask(pool)
        inputs = pool.take()
        self._coming -= 1
        self._ask(pool)
        return inputs

    def _ask(self, pool: Pool) -> None:
        """Have as many batches prepared as the pool has room for."""
        while self._coming < pool.depth and (batch := self._places(self._asked)):
            pool.ask(batch)
            self._asked, self._coming = self._asked + len(batch), self._coming + 1

    def _read_ahead(self, position: int) -> None:
        """Let go what is being prepared, and begin at a position."""
        if self._pool is not None:
            self._pool.forget()
        self._asked, self._coming = position, 0

    @property
    def epoch(self) -> int:
        return self._position // len(self.dataset)

    @property
    def is_new_epoch(self) -> bool:
        return self._previous >= 0 and self.epoch > self._previous // len(self.dataset)

    @property
    def epoch_detail(self) -> float:
        """Epochs done, with the part of the one at hand."""
        return self._position / len(self.dataset)

    @property
    def previous_epoch_detail(self) -> float | None:
        """:attr:`epoch_detail` before the last batch; ``None`` before the first."""
        return None if self._previous < 0 else self._previous / len(self.dataset)

    def serialize(self, serializer: Any) -> None:
        """Keep the place in the run, or go there.

        Raises:
            RefusedError: The snapshot is one of another number of images.
        """
        count = int(serializer("count", len(self.dataset)))
        if count != len(self.dataset):
            raise RefusedError(
                f"the snapshot was taken with {count} images, and there are {len(self.dataset)}; "
                "give the same data and split to resume, or begin anew"
            )
        self._previous = int(serializer("previous", self._previous))
        position = int(serializer("position", self._position))
        if position != self._position:
            self._position = position
            self._read_ahead(position)

    def chainer_ft_remember(self) -> Callable[[], None]:
        """What goes back to this place, for :func:`chainer_ft.lr_find`."""
        place = self._previous, self._position

        def back() -> None:
            self._previous, self._position = place
            self._read_ahead(self._position)

        return back

    def finalize(self) -> None:
        """End the worker processes."""
        pool, self._pool = getattr(self, "_pool", None), None
        if pool is not None:
            pool.close()
            self._asked, self._coming = self._position, 0
