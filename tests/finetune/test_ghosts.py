"""Arrays that are not there tell whoever reads them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import chainer
import numpy as np
import pytest

from chainer_ft.finetune.ghosts import CannotReplay, ghost, source_of

READING: list[Callable[[Any], Any]] = [
    lambda g: g + 1,
    lambda g: 2.0 - g,
    np.exp,
    np.sum,
    lambda g: g.sum(),
    lambda g: g.mean(),
    lambda g: g.max(),
    lambda g: g.argmax(),
    lambda g: g[0],
    lambda g: g.astype("d"),
    lambda g: g.copy(),
    lambda g: g.reshape(-1),
    lambda g: g.ravel(),
    lambda g: g.tolist(),
    lambda g: g.item(0),
    lambda g: g.dot(g),
    lambda g: g @ g,
    lambda g: list(g),
    lambda g: bool(g),
    lambda g: np.concatenate([g, g]),
    lambda g: np.dot(g, g),
    copy.copy,
    copy.deepcopy,
    pickle.dumps,
]


@pytest.mark.parametrize("read", READING)
def test_reading_one_says_what_it_is(read: Callable[[Any], Any]) -> None:
    with pytest.raises(CannotReplay, match="an input") as caught:
        read(ghost((2, 2), "f", "an input"))
    assert caught.value.source == "an input"


def test_it_passes_through_a_variable() -> None:
    made = chainer.Variable(ghost((2, 3), "f", "an input"), requires_grad=False)
    assert made.shape == (2, 3) and made.dtype == np.float32 and source_of(made) == "an input"


@pytest.mark.parametrize("dtype", ["f", "d", "e", "i", "u1", "?"])
def test_what_gets_around_it_is_no_plausible_number(dtype: str) -> None:
    leaked = np.asarray(ghost((2,), dtype, "x")).view(np.ndarray).astype("d")
    assert not np.isfinite(leaked).all() or (leaked != 0).all()
