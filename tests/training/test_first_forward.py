"""What is frozen in a lazy LSTM counts from its first forward on."""

from __future__ import annotations

import copy
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import functions as F  # noqa: N812
from chainer import links as L  # noqa: N812

import chainer_ft as ft
from chainer_ft.training.digest import FrozenChangedError

X = np.ones((2, 4), np.float32)


def model() -> Any:
    return chainer.Sequential(L.LSTM(None, 3), L.Linear(3, 2))


def train(net: Any) -> None:
    """Take one step."""
    optimizer = chainer.optimizers.Adam().setup(net)
    net[0].reset_state()
    optimizer.update(lambda: F.sum(net(X)))


def hooks(net: Any) -> int:
    return sum(len(link._local_link_hooks or ()) for link in net.links())


@pytest.mark.parametrize(
    "selection", ["/0", "/0/lateral", "/0/upward", "/0/upward/b", "/0/lateral/W"]
)
@pytest.mark.parametrize("is_copy", [False, True])
def test_what_the_initializer_writes_is_what_stands_still(selection: str, is_copy: bool) -> None:
    net = model()
    still = ft.freeze(net, selection)
    if is_copy:
        net = copy.deepcopy(net)
        still = ft.frozen(net)
    for _ in range(2):
        train(net)
        still.check()
    path = still.params[0]
    dict(net.namedparams())[path].array[...] += 1
    with pytest.raises(FrozenChangedError, match=f"^{path}"):
        still.check()


def test_it_counts_from_there_and_not_from_the_first_check() -> None:
    net = model()
    ft.freeze(net, "/0/lateral")
    train(net)
    net[0].lateral.W.array[0] += 1
    with pytest.raises(FrozenChangedError, match=r"^/0/lateral/W"):
        ft.frozen(net).check()


def test_the_hook_goes_when_it_has_done_its_work() -> None:
    net = model()
    ft.freeze(net, "/0/upward/b")
    assert hooks(net) == 1
    train(net)
    assert hooks(net) == 0
    ft.freeze(other := model(), "/0/lateral/W")
    ft.unfreeze(other)
    assert hooks(other) == 0


def test_weights_that_are_loaded_before_are_left_alone() -> None:
    net = model()
    ft.freeze(net, "/0/lateral")
    net[0].upward.W.initialize((12, 4))
    net[0].lateral.W.array[...] = 7
    train(net)
    ft.frozen(net).check()
    assert (net[0].lateral.W.array == 7).all()
