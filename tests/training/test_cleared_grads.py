"""No zeros are made for frozen parameters, unless a hook asks for them."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from chainer import optimizer_hooks
from training_nets import OPTIMIZERS

import chainer_ft as ft

FROZEN, LIVE = (70, 50), (3, 70)


def model() -> Any:
    made = L.Classifier(chainer.Sequential(L.Linear(50, 70), L.Linear(70, 3)))
    ft.freeze(made, "/predictor/0")
    return made


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of all zeros that are made."""
    shapes: list[tuple[int, ...]] = []

    def noting(plain: Any) -> Any:
        def make(like: Any, *args: Any, **options: Any) -> Any:
            array = plain(like, *args, **options)
            shapes.append(array.shape)
            return array

        return make

    for name in ("zeros", "zeros_like"):
        monkeypatch.setattr(np, name, noting(getattr(np, name)))
    return shapes


@pytest.mark.parametrize("hook", [None, optimizer_hooks.WeightDecay(0.1)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_makes_none_of_the_frozen_shape(
    name: str, hook: Any, made: list[tuple[int, ...]]
) -> None:
    chain, optimizer = model(), OPTIMIZERS[name]()
    optimizer.setup(chain)
    if hook:
        optimizer.add_hook(hook)
    for _ in range(3):
        optimizer.update(chain, np.ones((4, 50), np.float32), np.array([0, 1, 2, 0], np.int32))
    assert FROZEN not in made
    assert LIVE in made or name == "SGD"  # the state of the live part


def test_a_hook_that_asks_gets_them(made: list[tuple[int, ...]]) -> None:
    seen = []

    class Asks:
        name, call_for_each_param, timing = "asks", False, "pre"

        def __call__(self, optimizer: Any) -> None:
            grad = dict(optimizer.target.namedparams())["/predictor/0/W"].grad
            grad += 1  # it may write into them
            seen.append(grad)

    chain = model()
    optimizer = chainer.optimizers.SGD(0.1).setup(chain)
    optimizer.add_hook(Asks())
    before = chain.predictor[0].W.array.copy()
    optimizer.update(chain, np.ones((4, 50), np.float32), np.array([0, 1, 2, 0], np.int32))
    assert (seen[0] == 1).all()
    assert made.count(FROZEN) == 1
    np.testing.assert_array_equal(chain.predictor[0].W.array, before)


def test_an_exception_does_not_leave_a_promise() -> None:
    chain = model()
    optimizer = chainer.optimizers.SGD().setup(chain)
    chain.cleargrads()
    chain.predictor[1].W._set_grad = None
    with pytest.raises(TypeError):
        optimizer.reallocate_cleared_grads()
    assert (chain.predictor[0].W.grad == 0).all()


def test_zeros_are_gone_after_cleargrads() -> None:
    chain = model()
    optimizer = chainer.optimizers.SGD().setup(chain)
    optimizer.reallocate_cleared_grads()
    assert (chain.predictor[0].W.grad == 0).all()
    chain.cleargrads()
    assert chain.predictor[0].W.grad is None
