"""The batches of a data layer, read ahead in the background."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import NamedTuple

from chainer_ft.caffe.data.source import Batch, BatchSource, Line


class Item(NamedTuple):
    """What came of reading a batch.

    Attributes:
        batch: The batch, or what went wrong.
        lines: For the log.
    """

    batch: Batch | BaseException
    lines: tuple[Line, ...]


class Feed(Iterator[Batch]):
    """An endless iterator of batches, at a place that can be set.

    Args:
        source: Where they come from.
        ahead: How many batches a thread reads before they are asked for; 0 for no thread.
        log: Given the lines of the source when the batch is taken that they are about: a thread
            that wrote itself could be caught writing when the program ends.

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

    def __init__(
        self,
        source: BatchSource,
        ahead: int = 4,
        log: Callable[[str, str], object] = lambda place, text: None,
    ) -> None:
        self.source = source
        self._ahead = ahead if source.is_slow else 0
        self._log = log
        self._position = 0
        self._reader: _Reader | None = None

    def __next__(self) -> Batch:
        """The next batch.

        Raises:
            ChainerFTError: What went wrong while it was read.
        """
        batch, lines = self._take()
        for line in lines:
            self._log(*line)
        if isinstance(batch, BaseException):
            raise batch
        self._position += 1
        return batch

    def _take(self) -> Item:
        if not self._ahead:
            return _item(self.source, self._position)
        if self._reader is None:
            self._reader = _Reader(self.source, self._position, self._ahead)
        return self._reader.take()

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
        self._items: queue.Queue[Item] = queue.Queue(ahead)
        self._stopped = threading.Event()
        work = (source, start, self._items, self._stopped)
        self._thread = threading.Thread(target=_read, args=work, daemon=True)
        self._forget = weakref.finalize(self, self._stopped.set)
        self._thread.start()

    def take(self) -> Item:
        item = self._items.get()
        if isinstance(item.batch, BaseException):
            self._items.put(Item(item.batch, ()))  # for whoever asks again
        return item

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()


def _item(source: BatchSource, index: int) -> Item:
    try:
        batch: Batch | BaseException = source.batch(index)
    except BaseException as error:
        batch = error
    lines, source.lines = tuple(source.lines), ()
    return Item(batch, lines)


def _read(
    source: BatchSource, index: int, items: queue.Queue[Item], stopped: threading.Event
) -> None:
    while not stopped.is_set():
        item = _item(source, index)
        while not stopped.is_set():
            try:
                items.put(item, timeout=0.1)
                break
            except queue.Full:
                continue
        if isinstance(item.batch, BaseException):
            return
        index += 1
