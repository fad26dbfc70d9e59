"""When a metric ends a phase."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import ScheduleError
from chainer_ft.training.schedules.conditions import EarlyStopping, Watched


def ends_after(rule: EarlyStopping, values: list[float]) -> int | None:
    """The number of checks after which it ends, one value each."""
    watched = Watched()
    for i, value in enumerate(values, 1):
        watched = watched.seeing(value).checking(rule, i)
        if watched.ended:
            return i
    return None


def test_patience_counts_checks_in_a_row_without_a_new_best() -> None:
    rule = EarlyStopping("loss", patience=2)
    assert ends_after(rule, [3.0, 2.0, 2.5, 1.0, 1.0, 1.5]) == 6
    assert ends_after(rule, [3.0, 2.0, 2.5, 1.0, 1.0]) is None


def test_more_is_better_for_accuracy_and_where_it_is_said() -> None:
    assert ends_after(EarlyStopping("main/accuracy", patience=1), [0.1, 0.2, 0.1]) == 3
    assert ends_after(EarlyStopping("main/f1", patience=1, mode="max"), [0.1, 0.2, 0.1]) == 3
    assert ends_after(EarlyStopping("main/f1", patience=1), [0.1, 0.2]) == 2


def test_a_target_is_good_enough() -> None:
    assert ends_after(EarlyStopping("loss", target=0.5), [1.0, 0.5]) == 2
    assert ends_after(EarlyStopping("accuracy", target=0.9), [0.5, 0.95]) == 2


def test_nan_is_never_better() -> None:
    rule = EarlyStopping("loss", patience=2)
    assert ends_after(rule, [math.nan, math.nan]) == 2
    assert ends_after(rule, [math.nan, 3.0, math.nan, 2.0]) is None
    assert Watched().seeing(math.nan).checking(rule, 1).best is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_a_check_compares_the_mean_of_its_interval(values: list[float]) -> None:
    watched = Watched()
    for value in values:
        watched = watched.seeing(value)
    checked = watched.checking(EarlyStopping("loss"), 3)
    assert checked.best == pytest.approx(sum(values) / len(values))
    assert (checked.total, checked.count, checked.checked) == (0.0, 0, 3)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"monitor": ""}, "monitor names a reported value"),
        ({"patience": 0}, "patience is a number of checks"),
        ({"patience": True}, "patience is a number of checks"),
        ({"mode": "up"}, "mode is one of auto, min, max"),
        ({"check": "often"}, "'often' is no length"),
        ({"target": "high"}, "target is a number"),
        ({"target": math.inf}, "target is a number"),
        ({"restore_best": 1}, "restore_best is true or false"),
    ],
)
def test_what_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ScheduleError, match=told):
        EarlyStopping(**options)


def test_in_words() -> None:
    words = "until loss is no better for 2 checks, or 0.5"
    assert str(EarlyStopping("loss", patience=2, target=0.5)) == words
