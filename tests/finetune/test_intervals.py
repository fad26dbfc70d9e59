"""Intervals of accuracies."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.finetune.intervals import paired, wilson


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_stays_within_0_and_1_and_holds_the_share(right: int, wrong: int) -> None:
    low, high = wilson(right, right + wrong)
    assert 0 <= low <= high <= 1
    if right + wrong:
        assert low - 1e-12 <= right / (right + wrong) <= high + 1e-12


def test_wilson_is_where_the_score_test_stops_refusing() -> None:
    low, high = wilson(7, 20)
    for end in (low, high):
        z = (7 / 20 - end) / math.sqrt(end * (1 - end) / 20)
        assert abs(abs(z) - 1.959963984540054) < 1e-9


def test_paired_covers_the_true_difference_about_95_times_in_100() -> None:
    draws = np.random.RandomState(0).multinomial(200, [0.2, 0.08, 0.72], 4000)
    held = [low <= 0.12 <= high for a, b, _ in draws for low, high in [paired(a, b, 200)]]
    assert 0.94 < np.mean(held) < 0.965


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_paired_turns_around_with_its_two_sides(first: int, second: int, same: int) -> None:
    count = first + second + same
    low, high = paired(first, second, count)
    assert -1 <= low <= high <= 1
    back = paired(second, first, count)
    assert np.allclose((-high, -low), back)
