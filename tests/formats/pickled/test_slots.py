"""Numbers in a pickle that stand for themselves; the rest of the slots is held by the sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainer_ft.formats.pickled.slots import number_of


@pytest.mark.parametrize("value", [True, 3, -(1 << 62), (1 << 64) - 1, 2.5])
def test_numbers(value: Any) -> None:
    made = number_of(value)
    assert made is not None
    assert (made.shape, made.item()) == ((), value)
    assert made.dtype.kind == np.asarray(value).dtype.kind


@pytest.mark.parametrize("value", [None, 1 << 64, [], "text", object()])
def test_no_numbers(value: Any) -> None:
    assert number_of(value) is None
