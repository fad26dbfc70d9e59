"""Functions without what only their gradients would need."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np
import pytest
from chainer import functions as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.finetune.calls import heard_by
from chainer_ft.finetune.forward_only import ForwardOnly

_ONE = st.integers(1, 3)


def both(function: Any, *inputs: Any) -> tuple[chainer.Variable, chainer.Variable]:
    """What a function gives as Chainer calls it, and without."""
    usual = function(*inputs)
    with heard_by(ForwardOnly()):
        return usual, function(*inputs)


def assert_same(usual: chainer.Variable, new: chainer.Variable) -> None:
    assert new.array.dtype == usual.array.dtype and new.shape == usual.shape
    assert new.array.tobytes() == usual.array.tobytes()
    assert new.array.strides == usual.array.strides  # sums of it would differ in their last bits


def is_left_out(variable: chainer.Variable) -> bool:
    return variable.creator is None


class TestConvolution:
    @given(
        st.tuples(_ONE, st.integers(1, 5), st.integers(5, 9), st.integers(5, 9)),
        st.tuples(st.integers(1, 4), _ONE, _ONE),
        st.tuples(_ONE, _ONE),
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
        st.sampled_from([(1, 1), (2, 1), (1, 2)]),
        st.booleans(),
        st.booleans(),
        st.sampled_from("fd"),
        st.integers(0, 2**32 - 1),
    )
    def test_any_gives_the_same_bits(
        self,
        shape: tuple[int, ...],
        kernel: tuple[int, ...],
        stride: tuple[int, int],
        pad: tuple[int, int],
        dilate: tuple[int, int],
        cover_all: bool,
        has_bias: bool,
        dtype: str,
        seed: int,
    ) -> None:
        draw = np.random.default_rng(seed)
        x = draw.standard_normal(shape).astype(dtype)
        w = draw.standard_normal((kernel[0], shape[1], *kernel[1:])).astype(dtype)
        b = draw.standard_normal(kernel[0]).astype(dtype) if has_bias else None
        options = {"stride": stride, "pad": pad, "dilate": dilate, "cover_all": cover_all}
        assert_same(*both(lambda x: F.convolution_2d(x, w, b, **options), chainer.Variable(x)))

    @pytest.mark.parametrize(("images", "filters", "size"), [(32, 32, 32), (7, 64, 16), (33, 1, 8)])
    def test_large_ones_give_the_same_bits(self, images: int, filters: int, size: int) -> None:
        draw = np.random.default_rng(0)
        x = draw.standard_normal((images, 24, size, size)).astype("f")
        w = draw.standard_normal((filters, 24, 5, 5)).astype("f")
        usual, new = both(lambda x: F.convolution_2d(x, w, pad=2), chainer.Variable(x))
        assert_same(usual, new)
        assert is_left_out(new) and not is_left_out(usual)

    def test_an_image_that_does_not_lie_in_order(self) -> None:
        draw = np.random.default_rng(0)
        x = draw.standard_normal((4, 9, 9, 3)).astype("f").transpose(0, 3, 1, 2)
        w = draw.standard_normal((2, 3, 3, 3)).astype("f")
        assert_same(*both(lambda x: F.convolution_2d(x, w), chainer.Variable(x)))

    @pytest.mark.parametrize(
        ("shape", "kernel", "groups", "dtype"),
        [
            ((1, 4, 5, 5), (2, 4, 3, 3), 1, "f"),
            ((2, 4, 5, 5), (2, 2, 3, 3), 2, "f"),
            ((2, 4, 5, 5), (2, 4, 3, 3), 1, "e"),
            ((2, 1, 5, 5), (2, 1, 1, 1), 1, "f"),
        ],
    )
    def test_what_is_left_to_chainer(
        self, shape: tuple[int, ...], kernel: tuple[int, ...], groups: int, dtype: str
    ) -> None:
        x, w = np.ones(shape, dtype), np.ones(kernel, dtype)
        usual, new = both(lambda x: F.convolution_2d(x, w, groups=groups), chainer.Variable(x))
        assert_same(usual, new)
        assert not is_left_out(new)


class TestMaxPooling:
    @given(
        st.tuples(_ONE, _ONE, st.integers(4, 8), st.integers(4, 8)),
        st.tuples(_ONE, _ONE),
        st.tuples(_ONE, _ONE),
        st.integers(0, 1),
        st.booleans(),
        st.integers(0, 2**32 - 1),
    )
    def test_any_gives_the_same_bits(
        self,
        shape: tuple[int, ...],
        kernel: tuple[int, int],
        stride: tuple[int, int],
        pad: int,
        cover_all: bool,
        seed: int,
    ) -> None:
        """Zeros of both signs and numbers that are none, too."""
        draw = np.random.default_rng(seed)
        x = draw.choice(np.array([0.0, -0.0, 1.0, -np.inf, np.nan], "f"), shape)
        options = {"stride": stride, "pad": min(pad, *kernel) - (min(kernel) == 1) * pad}
        usual, new = both(
            lambda x: F.max_pooling_2d(x, kernel, cover_all=cover_all, **options),
            chainer.Variable(x),
        )
        assert_same(usual, new)
        assert is_left_out(new)

    def test_of_three_axes(self) -> None:
        x = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 6)).astype("f")
        assert_same(*both(lambda x: F.max_pooling_3d(x, 2), chainer.Variable(x)))

    def test_with_the_places_it_is_left_to_chainer(self) -> None:
        x = chainer.Variable(np.ones((1, 1, 4, 4), "f"))
        with heard_by(ForwardOnly()):
            _, places = F.max_pooling_2d(x, 2, return_indices=True)
        assert places.shape == (1, 1, 2, 2)


def test_other_functions_are_left_to_chainer() -> None:
    usual, new = both(F.relu, chainer.Variable(np.array([-1.0, 2.0], "f")))
    assert_same(usual, new)
    assert not is_left_out(new)
