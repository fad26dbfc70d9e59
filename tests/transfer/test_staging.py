"""Checks on arrays before anything is written."""

from __future__ import annotations

import numpy as np
import pytest

from chainer_ft.errors import ArrayError
from chainer_ft.transfer.staging import checked_blocks, fitted
from chainer_ft.types import Entry, Pair

PAIR = Pair("/old/W", "/new/W")


def target(dtype: str, shape: tuple[int, ...] | None = (2,), kind: str = "param") -> Entry:
    return Entry("/new/W", shape, np.dtype(dtype), kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("array", "dtype", "message"),
    [
        (np.array([1e300, 0]), "f4", "1 numbers do not survive the cast float64 -> float32"),
        (np.array([70000, 0], "f4"), "f2", "1 numbers do not survive"),
        (np.array([300, 1]), "i1", "1 numbers do not survive"),
        (np.array([-1, 1]), "u1", "1 numbers do not survive"),
        (np.array([2**53 + 1, 1]), "f8", "1 numbers do not survive"),
        (np.array([np.nan, 1]), "f8", "1 of 2 numbers are NaN or infinite; --skip /new/W"),
        (np.array([np.inf, -np.inf]), "f8", "2 of 2 numbers are NaN or infinite"),
        (np.array([complex(0, np.nan), 1]), "c16", "1 of 2"),
        (np.array([1.0, 2.0, 3.0]), "f8", r"old.npz::/old/W is \(3,\), /new/W is \(2,\)"),
        (np.array([[1.0, 2.0]]), "f8", r"\(1, 2\), /new/W is \(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused(array: np.ndarray, dtype: str, message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        fitted(array, PAIR, target(dtype), "old.npz")


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([1.5, 1e-300]), "f4"),
        (np.array([1, 255]), "u1"),
        (np.array([True, False]), "f4"),
        (np.array([1.5, 2.5], ">f4"), "f4"),
        (np.array([1, 2**24]), "f4"),
    ],
)
def test_what_fits_is_cast(array: np.ndarray, dtype: str) -> None:
    made = fitted(array, PAIR, target(dtype), "old.npz")
    assert made.dtype == dtype
    assert made.flags.c_contiguous
    np.testing.assert_allclose(made, array, atol=1e-30)


def test_numbers_beside_the_weights_may_be_infinite() -> None:
    assert np.isinf(fitted(np.array(np.inf), PAIR, target("f8", (), "persistent"), "x"))


def test_lazy_targets_take_any_shape_and_scalars_stay_scalars() -> None:
    assert fitted(np.ones((3, 4)), PAIR, target("f8", None), "x").shape == (3, 4)
    assert fitted(np.array(2.0), PAIR, target("f8", ()), "x").shape == ()
    assert fitted(np.empty((0, 3)), PAIR, target("f4", (0, 3)), "x").shape == (0, 3)


def test_fortran_order_becomes_c_order() -> None:
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    made = fitted(array, PAIR, target("f8", (2, 3)), "x")
    assert made.flags.c_contiguous
    assert (made == array).all()


def test_blocks_are_checked_too() -> None:
    blocks = [np.ones(1), np.array([np.nan])]
    with pytest.raises(ArrayError, match="NaN"):
        list(checked_blocks(iter(blocks), target("f8"), "x"))


@pytest.mark.parametrize("sizes", [(), (1,), (1, 2), (2, 1)])
def test_blocks_are_counted(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ArrayError, match="numbers, /new/W 2"):
        list(checked_blocks((np.ones(size) for size in sizes), target("f8"), "x"))


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([-1, 2]), "u8"),
        (np.array([2**63, 1], "u8"), "i8"),
        (np.array(["resnet", "vgg"]), "<U3"),
    ],
)
def test_what_wraps_or_is_cut_is_refused(array: np.ndarray, dtype: str) -> None:
    with pytest.raises(ArrayError, match="1 numbers do not survive the cast"):
        fitted(array, PAIR, target(dtype), "old.npz")
