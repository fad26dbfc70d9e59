"""Frozen links in threads, with first forwards that make arrays, called in the old way."""

from __future__ import annotations

import sys
import threading
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import functions as F  # noqa: N812
from chainer import links as L  # noqa: N812
from training_nets import arrays, batch, moved, net

import chainer_ft as ft
from chainer_ft.training.digest import FrozenChangedError


def test_threads_that_share_a_frozen_link_do_not_meet() -> None:
    model, images = net(), batch()[0]
    model(images)
    ft.freeze(model, "/bn1")
    before, failures = arrays(model.bn1), []
    h = model.conv1(images)

    def work() -> None:
        try:
            for _ in range(200):
                model.bn1(h)
        except Exception as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
    assert moved(before, model.bn1) == set()
    assert "forward" not in vars(model.bn1)


def test_a_forward_of_ones_own_comes_back_after_each_call() -> None:
    model = chainer.Chain(body=L.Linear(2, 2), fc=L.Linear(2, 2))
    own = model.body.forward
    model.body.forward = lambda x: own(x) * 2
    ft.freeze(model, "/body")
    x = np.ones((1, 2), np.float32)
    first, second = model.body(x), model.body(x)
    assert (first.array == second.array).all() and (first.array == own(x).array * 2).all()


def test_what_an_lstm_writes_at_its_first_forward_is_what_stands_still() -> None:
    model = chainer.Chain(lstm=L.LSTM(None, 3), fc=L.Linear(3, 2))
    still = ft.freeze(model, "/lstm")
    model.lstm(np.ones((2, 4), np.float32))
    still = ft.frozen(model)
    still.check()
    model.lstm(np.ones((2, 4), np.float32))
    still.check()
    model.lstm.lateral.W.array[0, 0] += 1
    with pytest.raises(FrozenChangedError, match=r"^/lstm/lateral/W"):
        still.check()


def test_a_freeze_before_the_first_forward_can_be_checked_itself() -> None:
    model = chainer.Chain(lstm=L.LSTM(None, 3), fc=L.Linear(3, 2))
    still = ft.freeze(model, "/lstm")
    optimizer = chainer.optimizers.Adam().setup(model)
    optimizer.update(lambda: F.sum(model.fc(model.lstm(np.ones((2, 4), np.float32)))))
    ft.frozen(model).check()
    assert still.params == ft.frozen(model).params


class OldNorm(L.BatchNormalization):
    """One that goes around Chainer's own ``__call__``."""

    def __call__(self, x: Any) -> Any:
        return self.forward(x)


def test_a_norm_that_is_called_around_chainer_is_not_said_to_stand_still(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = chainer.Chain(old=OldNorm(2), bn=L.BatchNormalization(2), fc=L.Linear(2, 2))
    ft.freeze(model, "/old", "/bn")
    assert "as in inference: /bn (" in caplog.text
    assert "/old: defines __call__ and not forward, so its statistics move" in caplog.text
