"""Pooling of any sizes against its definition, window by window."""

from __future__ import annotations

from math import ceil, floor

import chainer
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chainer_ft.caffe.layers.pooling import Pool

Pair = tuple[int, int]


def count(n: int, k: int, s: int, p: int, rounded_up: bool, any_pad: bool) -> int:
    """The specification, as it stands."""
    o = (ceil if rounded_up else floor)((n + 2 * p - k) / s) + 1
    return o - 1 if any_pad and (o - 1) * s >= n + p else o


def by_windows(x: np.ndarray, pool: Pool, gy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One plane: the result, and the gradient of its sum weighted by ``gy``."""
    assert pool.kernel is not None
    y, gx = np.zeros(gy.shape), np.zeros(x.shape)
    for i, j in np.ndindex(*gy.shape):
        starts = [a * s - p for a, s, p in zip((i, j), pool.stride, pool.pad, strict=True)]
        ends = [
            min(start + k, n + p)
            for start, k, n, p in zip(starts, pool.kernel, x.shape, pool.pad, strict=True)
        ]
        area = (ends[0] - starts[0]) * (ends[1] - starts[1])
        rows = range(max(starts[0], 0), min(ends[0], x.shape[0]))
        columns = range(max(starts[1], 0), min(ends[1], x.shape[1]))
        inside = [(r, c) for r in rows for c in columns]
        if pool.method == "AVE":
            y[i, j] = sum(x[place] for place in inside) / area if area else np.nan
            for place in inside:
                gx[place] += gy[i, j] / area
        else:
            y[i, j] = np.finfo("f4").min
            best = max(inside, key=lambda place: x[place], default=None)  # the first of equals
            if best is not None:
                y[i, j] = x[best]
                gx[best] += gy[i, j]
    return y, gx


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["MAX", "AVE"]),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.booleans(),
    st.integers(0, 9),
)
def test_pooling_is_what_the_specification_says(
    method: str, size: Pair, kernel: Pair, stride: Pair, pad: Pair, rounded_up: bool, seed: int
) -> None:
    assume(pad[0] < kernel[0] and pad[1] < kernel[1])
    shape = [
        count(n, k, s, p, rounded_up, any(pad))
        for n, k, s, p in zip(size, kernel, stride, pad, strict=True)
    ]
    assume(min(shape) > 0)
    pool = Pool(method, kernel, stride, pad, rounded_up)
    random = np.random.RandomState(seed)
    x = random.randint(-3, 4, (1, 1, *size)).astype("f4")  # many equal numbers
    gy = random.randn(1, 1, *shape).astype("f4")
    source = chainer.Variable(x)
    y = pool(source)
    wanted, slope = by_windows(x[0, 0], pool, gy[0, 0])
    assert y.shape == (1, 1, *shape)
    np.testing.assert_allclose(y.array[0, 0], wanted, rtol=1e-5, atol=1e-6)
    y.grad = gy
    y.backward()
    if np.isfinite(wanted).all():
        np.testing.assert_allclose(source.grad[0, 0], slope, rtol=1e-4, atol=1e-5)
