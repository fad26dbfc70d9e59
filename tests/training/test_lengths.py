"""Lengths and positions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import chainer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import ScheduleError
from chainer_ft.training.lengths import ends_epoch, whole_epochs
from chainer_ft.training.schedules import Length, Position, length


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3 epochs", (3, "epoch")),
        (" 1 epoch ", (1, "epoch")),
        ("0.5 epochs", (0.5, "epoch")),
        ("500 iterations", (500, "iteration")),
        ((2, "epoch"), (2, "epoch")),
        (["2", "epochs"], (2, "epoch")),
        (Length(2, "iteration"), (2, "iteration")),
    ],
)
def test_what_is_a_length(written: Any, meant: tuple[float, str]) -> None:
    assert length(written) == meant
    assert length(str(length(written))) == meant


@pytest.mark.parametrize(
    "written",
    ["", "3", "epoch", "3 days", "-1 epochs", "0 epochs", "1.5 iterations", "nan epochs", None],
)
def test_what_is_none(written: Any) -> None:
    with pytest.raises(ScheduleError, match=r"write '3 epochs'|above zero"):
        length(written)


def updater(iteration: int, epoch: float, before: float | None) -> Any:
    return SimpleNamespace(iteration=iteration, epoch_detail=epoch, previous_epoch_detail=before)


def test_right_behind_the_end_of_an_epoch_it_is_that_end() -> None:
    assert Position.of(updater(7, 1.09375, 0.9375)) == Position(7, 1.0)
    assert Position.of(updater(8, 1.25, 1.09375)) == Position(8, 1.25)
    assert Position.of(updater(1, 0.15, None)) == Position(1, 0.15)


@pytest.mark.parametrize("size", [7, 30])
def test_the_end_of_an_epoch_is_what_the_iterator_says_or_what_can_be_counted(size: int) -> None:
    """With 7 examples, most batches of 8 reach over one end, and some over two."""
    batches = chainer.iterators.SerialIterator(list(range(size)), 8)
    said, counted, fires = [], [], []
    trigger = chainer.training.get_trigger((1, "epoch"))
    for iteration in range(1, 20):
        next(batches)
        before, now = batches.previous_epoch_detail, batches.epoch_detail
        said.append(ends_epoch(batches))
        counted.append(ends_epoch(updater(iteration, now, before)))
        here = SimpleNamespace(iteration=iteration, epoch_detail=now, previous_epoch_detail=before)
        fires.append(trigger(SimpleNamespace(updater=here)))
    assert said == counted == fires and any(said)


def test_an_epoch_that_ended_in_the_middle_of_an_update_is_seen() -> None:
    """An updater may take several batches at once, and knows the last one of them."""
    batches = chainer.iterators.SerialIterator(list(range(28)), 4)
    ends, seen = [], 0
    for iteration in range(1, 8):
        for _ in range(5):
            next(batches)
        here = SimpleNamespace(iteration=iteration, epoch_detail=batches.epoch_detail)
        ends.append(Position.of(here, seen).epoch)
        seen = whole_epochs(here) or 0
    assert ends == [5 / 7, 1, 2, 20 / 7, 3, 4, 5]


def test_an_updater_without_epochs_counts_iterations() -> None:
    here = Position.of(SimpleNamespace(iteration=5))
    assert here.since(Position(2, None), "iteration") == 3
    with pytest.raises(ScheduleError, match="counts no epochs; give the length in iterations"):
        here.since(Position(0, None), "epoch")


@given(st.integers(1, 200), st.integers(1, 40), st.integers(1, 6))
def test_phases_of_whole_epochs_stay_on_whole_epochs(size: int, batch: int, epochs: int) -> None:
    """The last batch reaches over the end of the epoch, as that of SerialIterator does."""
    start, seen, ends = Position(), 0, []
    for iteration in range(1, 1 + 4 * epochs * size):
        before, seen = seen, seen + min(batch, size)
        here = Position.of(updater(iteration, seen / size, before / size))
        if here.periods(start, Length(epochs, "epoch")) >= 1:
            start = here
            ends.append(seen // size)
        if len(ends) == 3:
            break
    assert ends == [epochs, 2 * epochs, 3 * epochs]


def test_fractions_of_an_epoch_add_up() -> None:
    start, third = Position(0, 1 / 3), Length(1, "epoch")
    assert Position(9, 1 / 3 + 1).periods(start, third) == 1
    assert Position(9, 1 / 3 + 0.999).periods(start, third) == 0
    assert str(Position(9, 4 / 3)) == "iteration 9, epoch 1.333"
