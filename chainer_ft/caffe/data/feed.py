"""The batches of a data layer, read ahead in the background."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable, Iterator

from chainer_ft.caffe.data.source import Batch, BatchSource


class Feed(Iterator[Batch]):
    """An endless iterator of batches, at a place that can be set.

    Args:
        source: Where they come from.
        ahead: How many batches a thread reads before they are asked for; 0 for no thread.

    Attributes:
        source: The source.
        position: Number of the next batch; setting it makes a resumed run see what an unbroken
            one would have seen.

    Example:
        >>> from chainer_ft.caffe.data.source import BatchSource
        >>> class Squares(BatchSource):
        ...     def batch(self, index):
        ...         return (index ** 2,)
        >>> feed = Feed(Squares(), ahead=2)
        >>> next(feed), next(feed)
        ((0,), (1,))
        >>> feed.position = 9
        >>> next(feed)
        (81,)
        >>> feed.close()
    """

    def __init__(self, source: BatchSource, ahead: int = 4) -> None:
        self.source = source
        self._ahead = ahead if source.is_slow else 0
        self._position = 0
        self._reader: _Reader | None = None

    def __next__(self) -> Batch:
        """The next batch.

        Raises:
            ChainerFTError: What went wrong while it was read.
        """
        if not self._ahead:
            batch = self.source.batch(self._position)
        else:
            if self._reader is None:
                self._reader = _Reader(self.source, self._position, self._ahead)
            batch = self._reader.take()
        self._position += 1
        return batch

    @property
    def position(self) -> int:
        """Number of the next batch."""
        return self._position

    @position.setter
    def position(self, value: int) -> None:
        if value != self._position:
            self._stop()
            self._position = value

    def chainer_ft_remember(self) -> Callable[[], None]:
        """What goes back to this place, for :func:`chainer_ft.lr_find`."""
        place = self._position

        def back() -> None:
            self.position = place

        return back

    def close(self) -> None:
        """Stop reading and close the files."""
        self._stop()
        self.source.close()

    def _stop(self) -> None:
        if self._reader is not None:
            self._reader.stop()
            self._reader = None


class _Reader:
    """A thread that fills a queue; it ends when it is stopped, forgotten, or stumbles."""

    def __init__(self, source: BatchSource, start: int, ahead: int) -> None:
        self._batches: queue.Queue[Batch | BaseException] = queue.Queue(ahead)
        self._stopped = threading.Event()
        work = (source, start, self._batches, self._stopped)
        self._thread = threading.Thread(target=_read, args=work, daemon=True)
        self._forget = weakref.finalize(self, self._stopped.set)
        self._thread.start()

    def take(self) -> Batch:
        batch = self._batches.get()
        if isinstance(batch, BaseException):
            self._batches.put(batch)  # for whoever asks again
            raise batch
        return batch

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()


def _read(
    source: BatchSource,
    index: int,
    batches: queue.Queue[Batch | BaseException],
    stopped: threading.Event,
) -> None:
    while not stopped.is_set():
        try:
            batch: Batch | BaseException = source.batch(index)
        except BaseException as error:
            batch = error
        while not stopped.is_set():
            try:
                batches.put(batch, timeout=0.1)
                break
            except queue.Full:
                continue
        if isinstance(batch, BaseException):
            return
        index += 1
