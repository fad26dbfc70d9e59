"""Batches of images as an iterator of Chainer, prepared ahead in worker processes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import chainer
import numpy as np
from chainer.iterators._statemachine import IteratorState, iterator_statemachine

from chainer_ft.errors import RefusedError, UsageError
from chainer_ft.images.dataset import Dataset
from chainer_ft.images.picture import quiet
from chainer_ft.images.pool import Pool
from chainer_ft.images.samples import Place
from chainer_ft.training import EpochShuffle

_MOST = 8


def usual_workers() -> int:
    """How many processes prepare batches unless one says so: one for each core, at most 8."""
    if os.name != "posix":
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, _MOST)


class _Step(NamedTuple):
    """A batch, and where the iterator stands after it."""

    state: IteratorState
    batch: list[Place]


class Batches(chainer.iterators.SerialIterator):  # type: ignore[misc]
    """Batches of a data set of images: a ``SerialIterator`` that works ahead.

    What a batch holds depends on the seed and its place in the run: not on how many processes
    prepare it, nor on whether the run was resumed. Snapshots are those of ``SerialIterator``
    with the order sampler :class:`chainer_ft.EpochShuffle`. Unlike ``MultiprocessIterator`` it
    starts the workers afresh: they share nothing with a GPU, and a script needs no
    ``if __name__ == "__main__"`` for them.

    Args:
        dataset: The images.
        batch_size: Images in a batch.
        repeat: Whether to go on after one epoch.
        shuffle: Whether each epoch has an order of its own.
        seed: Of these orders.
        workers: Processes that prepare batches; 0 prepares them here, when they are asked for.
            By default one for each core, at most 8.

    Raises:
        UsageError: No images, or a number that makes no sense.

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

    _state: IteratorState

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
        self._coming: deque[_Step] = deque()
        self._workers = usual_workers() if workers is None else workers
        if batch_size < 1 or self._workers < 0 or not len(dataset):
            raise UsageError(
                f"batches of {batch_size} out of {len(dataset)} images by {self._workers} workers: "
                "give a batch size from 1, workers from 0, and some images"
            )
        sampler = EpochShuffle(seed) if shuffle else None
        super().__init__(dataset, batch_size, repeat, None if shuffle else False, sampler)

    @property
    def workers(self) -> int:
        """How many processes prepare batches."""
        return self._workers

    def reset(self) -> None:
        """Go back to the first batch."""
        self._forget()
        super().reset()

    def __next__(self) -> list[tuple[np.ndarray, np.int32]]:
        """The next batch: pairs of input and label.

        Raises:
            StopIteration: The epoch is over, and it is the only one.
            FormatError: An image cannot be read.
            WorkerError: A worker process was killed.
        """
        self._previous_epoch_detail = self.epoch_detail
        step = self._after(self._state)
        if step is None:
            raise StopIteration
        inputs = self._inputs(step)
        self._state = step.state
        labels = self.dataset.samples.labels
        return [(x, labels[place.image]) for x, place in zip(inputs, step.batch, strict=True)]

    next = __next__

    def _after(self, state: IteratorState) -> _Step | None:
        """The batch that comes after a state."""
        count = len(self.dataset)
        after, images = iterator_statemachine(
            state, self.batch_size, self.repeat, self.order_sampler, count
        )
        if images is None:
            return None
        first = state.epoch * count + state.current_position
        batch = [Place(int(image), (first + at) // count) for at, image in enumerate(images)]
        return _Step(after, batch)

    def _inputs(self, step: _Step) -> np.ndarray:
        samples = self.dataset.samples
        if not self._workers:
            with quiet():
                return np.stack([samples.input(*place) for place in step.batch])
        if self._pool is None:
            self._pool = Pool(samples, self.batch_size, self._workers)
        try:
            self._ask(self._pool)
            inputs = self._pool.take()
            self._coming.popleft()
            self._ask(self._pool)
        except BaseException:
            self.finalize()  # what is on its way belongs to nobody any more
            raise
        return inputs

    def _ask(self, pool: Pool) -> None:
        """Have as many batches prepared as the pool has room for."""
        while len(self._coming) < pool.depth:
            step = self._after(self._coming[-1].state if self._coming else self._state)
            if step is None:
                break
            pool.ask(step.batch)
            self._coming.append(step)

    def _forget(self) -> None:
        """Let go what is being prepared."""
        self._coming.clear()
        if self._pool is not None:
            self._pool.forget()

    def serialize(self, serializer: Any) -> None:
        """Keep the place in the run, or go there.

        Raises:
            RefusedError: The snapshot is one of another number of images.
        """
        try:
            super().serialize(serializer)
        except ValueError as error:
            raise RefusedError(
                f"the snapshot was not taken with {len(self.dataset)} images ({error}); give the "
                "same data and split to resume, or begin anew"
            ) from error
        if not isinstance(serializer, chainer.Serializer):
            self._forget()

    def chainer_ft_remember(self) -> Callable[[], None]:
        """What goes back to this place, for :func:`chainer_ft.lr_find`."""
        place = self._state, self._previous_epoch_detail

        def back() -> None:
            self._state, self._previous_epoch_detail = place
            self._forget()

        return back

    def finalize(self) -> None:
        """End the worker processes."""
        pool, self._pool = getattr(self, "_pool", None), None
        if pool is not None:
            pool.close()
            self._coming.clear()
