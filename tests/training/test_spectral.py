"""Spectral normalization in a frozen link."""

from __future__ import annotations

import chainer
import numpy as np
import pytest
from chainer import functions as F  # noqa: N812
from chainer import links as L  # noqa: N812
from chainer.link_hooks import SpectralNormalization
from training_nets import arrays, moved

import chainer_ft as ft


@pytest.mark.parametrize("dropout", ["off", "on"])
def test_its_vector_stands_still_while_it_is_frozen(dropout: str) -> None:
    np.random.seed(0)
    model = chainer.Chain(a=L.Linear(4, 5).add_hook(SpectralNormalization()), fc=L.Linear(5, 2))
    optimizer = chainer.optimizers.SGD(0.1).setup(model)
    x = np.random.randn(3, 4).astype(np.float32)

    def step() -> None:
        optimizer.update(lambda: F.sum(model.fc(F.tanh(model.a(x))) ** 2))

    step()
    still = ft.freeze(model, "/a", dropout=dropout)
    assert "/a/W_u" in still
    before = arrays(model.a)
    step()
    still.check()
    assert moved(before, model.a) == set()
    ft.unfreeze(model)
    step()
    assert "/W_u" in moved(before, model.a)
