"""New weights where a net says that they are all zero."""

from __future__ import annotations

import chainer
import numpy as np

from chainer_ft.finetune.fresh import fill_zeros


def test_only_weights_that_are_all_zero_are_drawn() -> None:
    links = chainer.links
    model = chainer.Chain(
        conv=links.Convolution2D(3, 4, 3, initialW=0),
        bn=links.BatchNormalization(4),
        fc=links.Linear(400, 50, initialW=0.5),
        out=links.Linear(400, 50, initialW=0),
    )
    assert fill_zeros(model) == ("/conv/W", "/out/W")
    assert (model.fc.W.array == 0.5).all() and not model.conv.b.array.any()
    assert abs(float(model.out.W.array.std()) - 1 / np.sqrt(400)) < 0.002
    assert fill_zeros(model) == ()


def test_a_seed_gives_the_same_again() -> None:
    made = []
    for _ in range(2):
        np.random.seed(3)
        model = chainer.Chain(fc=chainer.links.Linear(4, 5, initialW=0))
        fill_zeros(model)
        made.append(model.fc.W.array.tobytes())
    assert made[0] == made[1]
