"""OpenCV's resize: its golden batches are in test_golden.py, here is what holds for any size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.caffe.data.resize import resize

SIDES = st.integers(1, 40)


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 255))
def test_one_colour_stays_one_colour(h: int, w: int, new_h: int, new_w: int, level: int) -> None:
    out = resize(np.full((2, h, w), level, np.uint8), new_h, new_w)
    assert out.shape == (2, new_h, new_w) and (out == level).all()


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_it_is_bilinear_to_two_levels(h: int, w: int, new_h: int, new_w: int, seed: int) -> None:
    """Against real numbers; the fixed point rounds twice and drops four bits."""
    pixels = np.random.default_rng(seed).integers(0, 256, (1, h, w), np.uint8)
    rows = np.clip((np.arange(new_h) + 0.5) * h / new_h - 0.5, 0, h - 1)
    columns = np.clip((np.arange(new_w) + 0.5) * w / new_w - 0.5, 0, w - 1)
    wide = np.stack([np.interp(columns, np.arange(w), row) for row in pixels[0].astype(float)])
    exact = np.stack([np.interp(rows, np.arange(h), column) for column in wide.T]).T
    assert abs(resize(pixels, new_h, new_w)[0] - exact).max() < 2


def test_shrinking_does_not_smooth() -> None:
    stripes = np.tile(np.array([0, 0, 255, 255, 0, 0], np.uint8), 4).reshape(1, 1, 24)
    assert set(resize(stripes, 1, 4).ravel()) == {255}
