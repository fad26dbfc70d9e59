"""Decay towards the pretrained weights."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np
import pytest
from chainer import functions as F  # noqa: N812
from chainer import links as L  # noqa: N812
from chainer import optimizer_hooks, optimizers
from training_nets import net

import chainer_ft as ft
from chainer_ft.errors import RuleError
from chainer_ft.training.decay import follow_multipliers


def model() -> chainer.Chain:
    made = chainer.Chain(body=L.Linear(2, 2, nobias=True), head=L.Linear(2, 1, nobias=True))
    made.body.W.array[...] = [[1, 2], [3, 4]]
    made.head.W.array[...] = 5
    return made


def pulled(net: chainer.Chain, hook: ft.L2SP, wrap: bool = False) -> Any:
    """Where one step of pure decay with rate 1 takes the two."""
    target = L.Classifier(net) if wrap else net
    optimizer = optimizers.SGD(1.0).setup(target)
    optimizer.add_hook(hook)
    optimizer.update(lambda: 0 * (F.sum(net.body.W) + F.sum(net.head.W)))
    return net.body.W.array, net.head.W.array


@pytest.mark.parametrize("wrap", [False, True])
def test_old_weights_are_pulled_to_where_they_were_and_new_ones_to_zero(wrap: bool) -> None:
    net = model()
    hook = ft.L2SP(net, rate=0.5, new_rate=0.1, new=("/head/W",))
    net.body.W.array += 1
    body, head = pulled(net, hook, wrap)
    np.testing.assert_allclose(body, [[1.5, 2.5], [3.5, 4.5]])
    np.testing.assert_allclose(head, [[4.5, 4.5]])


def test_weights_by_path() -> None:
    net = model()
    body, head = pulled(net, ft.L2SP({"/body/W": np.zeros((2, 2), "f")}, rate=1, new_rate=0))
    assert not body.any() and (head == 5).all()


def test_the_weights_it_keeps_are_its_own() -> None:
    net = model()
    hook = ft.L2SP(net, rate=1)
    net.body.W.array[...] = 0
    np.testing.assert_allclose(pulled(net, hook)[0], [[1, 2], [3, 4]])


def test_multipliers_and_the_freeze_count() -> None:
    net = model()
    hook = ft.L2SP(net, rate=0.5, new_rate=1)
    net.body.W.array += 1
    net.head.W.array += 1
    ft.learning_rates(net, decay={"/body": 0.5})
    ft.freeze(net, "/head")
    body, head = pulled(net, hook)
    np.testing.assert_allclose(body, [[1.75, 2.75], [3.75, 4.75]])
    assert (head == 6).all()


def test_a_path_that_the_target_lacks() -> None:
    with pytest.raises(RuleError, match=r"/boby/W: L2SP has pretrained .* nearest: /body/W"):
        pulled(model(), ft.L2SP({"/boby/W": np.zeros((2, 2), "f")}))


def test_another_model() -> None:
    with pytest.raises(RuleError, match="no such parameter"):
        pulled(model(), ft.L2SP(net()))


def test_another_shape() -> None:
    with pytest.raises(RuleError, match=r"/body/W: has shape \(2, 2\), .* \(3, 2\)"):
        pulled(model(), ft.L2SP({"/body/W": np.zeros((3, 2), "f")}))


def test_a_new_path_that_it_does_not_have() -> None:
    with pytest.raises(RuleError, match="/haed/W: L2SP has no weights of it; nearest: /head/W"):
        ft.L2SP(model(), new=("/haed/W",))


def test_chainers_hooks_are_changed_once() -> None:
    follow_multipliers()
    call = optimizer_hooks.WeightDecay.__call__
    follow_multipliers()
    assert optimizer_hooks.WeightDecay.__call__ is call
