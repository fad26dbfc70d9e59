"""Digests of whatever a link registers."""

from __future__ import annotations

import copy
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812

import chainer_ft as ft
from chainer_ft.training.digest import FrozenChangedError, digest

VALUES = [
    (1, 2),
    (1.5, np.float32(1.5)),
    (float("nan"), 0.0),
    (True, False),
    ("cat", "car"),
    (b"cat", b"car"),
    ({"a": 1}, {"a": 2}),
    ([1, [2, 3]], [1, [2, 4]]),
    ([1.0, 2.0], [1.0, 2.5]),
    (np.array(3), np.array(4)),
    (np.array([1, None], object), np.array([2, None], object)),
    (np.zeros(2, [("x", "f4")]), np.ones(2, [("x", "f4")])),
    (np.arange(6)[::-2], np.arange(6)[::2]),
    (np.zeros(0), np.zeros((0, 1))),
]


@pytest.mark.parametrize(("one", "other"), VALUES)
def test_equal_values_have_one_digest(one: Any, other: Any) -> None:
    assert digest(one) == digest(copy.deepcopy(one)) != digest(other)


@pytest.mark.parametrize(("one", "other"), VALUES)
def test_a_frozen_link_may_register_it(one: Any, other: Any) -> None:
    model = chainer.Chain(a=L.Linear(2, 2), b=L.Linear(2, 2))
    model.a.add_persistent("value", one)
    still = ft.freeze(model, "/a")
    still.check()
    model.a.value = other
    with pytest.raises(FrozenChangedError, match=r"^/a/value: frozen"):
        still.check()
