"""The running mean of the loss."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.caffe.solver.smoothing import SmoothedLoss


@given(
    st.lists(st.floats(0, 100, width=32), min_size=1, max_size=40),
    st.integers(1, 10),
    st.integers(0, 50),
)
def test_it_is_the_mean_of_the_last_ones(losses: list[float], size: int, start: int) -> None:
    smoothed = SmoothedLoss(size, start)
    for t, loss in enumerate(losses):
        value = smoothed.add(start + t, loss)
        np.testing.assert_allclose(value, np.mean(losses[max(0, t + 1 - size) : t + 1]), atol=1e-3)
        assert isinstance(value, np.float32)


def test_what_is_no_number_stays() -> None:
    smoothed = SmoothedLoss(2)
    for t, loss in enumerate([1.0, np.nan, 2.0, 3.0]):
        value = smoothed.add(t, loss)
    assert np.isnan(value)
