"""Reading ahead."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from chainer_ft.caffe.data.feed import Feed
from chainer_ft.caffe.data.source import Batch, BatchSource
from chainer_ft.errors import FormatError
from chainer_ft.training.memento import remembering


class Numbers(BatchSource):
    """Gives the number of each batch; stumbles over 5 if told to."""

    def __init__(self, bad: int = -1) -> None:
        self.asked: list[int] = []
        self.threads: set[int] = set()
        self.bad, self.is_closed = bad, False
        self.enough = threading.Semaphore(0)

    def batch(self, index: int) -> Batch:
        if index == self.bad:
            raise FormatError(f"batch {index}")
        self.asked.append(index)
        self.threads.add(threading.get_ident())
        self.enough.release()
        return (np.array(index),)

    def close(self) -> None:
        self.is_closed = True


def take(feed: Feed, count: int) -> list[int]:
    return [int(next(feed)[0]) for _ in range(count)]


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_batches_come_in_order_from_any_place(ahead: int) -> None:
    source = Numbers()
    feed = Feed(source, ahead)
    assert take(feed, 10) == list(range(10)) and feed.position == 10
    feed.position = 3
    assert take(feed, 4) == [3, 4, 5, 6] and feed.position == 7
    feed.close()
    assert source.is_closed
    assert (threading.get_ident() in source.threads) == (ahead == 0)


@pytest.mark.parametrize("ahead", [0, 4])
def test_a_learning_rate_test_leaves_it_where_it_was(ahead: int) -> None:
    feed = Feed(Numbers(), ahead)
    take(feed, 3)
    with remembering({"feed": feed}, "net"):
        assert take(feed, 5) == [3, 4, 5, 6, 7]
    assert take(feed, 2) == [3, 4]
    feed.close()


def test_they_are_read_before_they_are_asked_for() -> None:
    source = Numbers()
    feed = Feed(source, ahead=3)
    next(feed)
    for _ in range(4):  # the one taken, and three in the queue
        assert source.enough.acquire(timeout=30)
    assert source.asked[:4] == [0, 1, 2, 3]
    assert feed.position == 1
    feed.close()


def test_nothing_is_read_before_the_first_is_asked_for() -> None:
    """A test net that is never run costs nothing."""
    source = Numbers()
    Feed(source, ahead=3).close()
    assert source.asked == []


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_error_comes_at_its_batch_and_again(ahead: int) -> None:
    feed = Feed(Numbers(bad=5), ahead)
    assert take(feed, 5) == [0, 1, 2, 3, 4]
    for _ in range(2):
        with pytest.raises(FormatError, match="batch 5"):
            next(feed)
    assert feed.position == 5
    feed.position = 6
    assert take(feed, 2) == [6, 7]
    feed.close()


def test_a_forgotten_feed_ends_its_thread() -> None:
    feed = Feed(Numbers(), ahead=1)
    next(feed)
    thread = feed._reader._thread  # type: ignore[union-attr]
    del feed
    gc.collect()
    thread.join(timeout=30)
    assert not thread.is_alive()


@pytest.mark.parametrize("ahead", [0, 3])
def test_lines_are_said_with_their_batch_by_whoever_takes_it(ahead: int) -> None:
    class Talking(Numbers):
        def batch(self, index: int) -> Batch:
            self.lines = (*self.lines, ("here.cpp:1", f"batch {index}"))
            return super().batch(index)

    said: list[tuple[str, int]] = []
    log = lambda place, text: said.append((text, threading.get_ident()))  # noqa: E731
    feed = Feed(Talking(), ahead, log)
    for index in range(5):
        next(feed)
        assert said[-1] == (f"batch {index}", threading.get_ident()) and len(said) == index + 1
    feed.close()


def test_what_is_quick_needs_no_thread() -> None:
    source = Numbers()
    source.is_slow = False
    feed = Feed(source, ahead=4)
    assert take(feed, 2) == [0, 1] and source.threads == {threading.get_ident()}
