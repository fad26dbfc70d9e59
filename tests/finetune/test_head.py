"""Find the head, and give it other classes."""

from __future__ import annotations

import chainer
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import RuleError, UsageError
from chainer_ft.finetune.head import find_head, resize_head

L = chainer.links


def _net(classes: int = 5) -> chainer.Chain:
    return chainer.Chain(
        conv=L.Convolution2D(3, 8, 3), hidden=L.Linear(8, 7), fc=L.Linear(7, classes)
    )


def test_the_head_is_the_last_with_so_many_outputs() -> None:
    assert find_head(_net(), 7).path == "/hidden"
    assert find_head(_net()).path == "/fc"
    assert find_head(L.Classifier(_net()), 5).path == "/predictor/fc"


def test_the_last_in_a_sequential_is_the_last_that_is_called() -> None:
    net = chainer.Sequential(L.Linear(4, 3), L.Linear(3, 6), L.Linear(6, 2))
    assert find_head(net).classes == 2


def test_links_with_as_many_outputs_are_named() -> None:
    assert find_head(_net(7)).alike == ("/hidden",)


def test_no_such_head_names_what_there_is() -> None:
    with pytest.raises(RuleError, match=r"/conv \(8\), /hidden \(7\), /fc \(5\)"):
        find_head(_net(), 1000)
    with pytest.raises(RuleError, match="nearest: /fc"):
        find_head(_net(), path="fcc")


def test_rows_of_surviving_classes_are_kept_to_the_bit() -> None:
    net = _net(3)
    net.fc.b.array[:] = 1, 2, 3
    old, weight = net.fc.W.array.copy(), net.fc.W
    done = resize_head(net, ["dog", "emu", "cat", "bee"], labels=["cat", "dog", "cow"])
    assert net.fc.W is weight and net.fc.W.shape == (4, 7) and net.fc.out_size == 4
    assert (net.fc.W.array[[2, 0]] == old[[0, 1]]).all()
    assert net.fc.b.array.tolist() == [2, 0, 1, 0]
    assert done.kept == (("dog", "dog"), ("cat", "cat"))


def test_a_lazy_head_gets_its_weights_in_the_new_size() -> None:
    net = chainer.Sequential(L.Linear(None, 9))
    resize_head(net, 2)
    assert net(np.zeros((1, 4), "f")).shape == (1, 2)


def test_a_convolution_can_be_the_head() -> None:
    net = chainer.Sequential(L.Convolution2D(3, 1000, 1))
    assert resize_head(net, 4).now.classes == 4
    assert net(np.zeros((1, 3, 2, 2), "f")).shape == (1, 4, 2, 2)


def test_new_rows_come_from_the_initializer_of_the_link() -> None:
    net = chainer.Sequential(L.Linear(4, 3, initialW=chainer.initializers.Constant(0.25)))
    resize_head(net, 6)
    assert (net[0].W.array == 0.25).all()


def test_an_array_as_initializer_says_nothing_of_new_rows() -> None:
    link = L.Linear.from_params(np.full((3, 4), 7, "f"), np.full(3, 7, "f"))
    resize_head(chainer.Sequential(link), 6)
    assert link.W.array.std() > 0 and (link.b.array == 0).all()


def test_a_resized_head_trains() -> None:
    net = chainer.Chain(fc=L.Linear(4, 3))
    optimizer = chainer.optimizers.MomentumSGD(0.1).setup(net)
    x = np.ones((2, 4), "f")

    def step() -> None:
        optimizer.update(lambda: chainer.functions.sum(net.fc(x) ** 2))

    step()
    resize_head(net, 5)
    before = net.fc.W.array.copy()
    step()
    assert (net.fc.W.array != before).any() and net.fc.W.update_rule.state["v"].shape == (5, 4)


def test_a_frozen_or_shared_head_is_refused() -> None:
    net = _net()
    ft.freeze(net, "/fc")
    with pytest.raises(UsageError, match="/fc/W is frozen"):
        resize_head(net, 2)
    tied = chainer.Chain(a=L.Linear(4, 4), b=L.Linear(4, 4))
    tied.b.W.array = tied.a.W.array
    with pytest.raises(UsageError, match="/b/W and /a/W are one array"):
        resize_head(tied, 2, head="/b")


def test_labels_of_another_source_are_refused() -> None:
    with pytest.raises(UsageError, match="5 outputs, and there are 2 labels"):
        resize_head(_net(), ["a", "b"], head="/fc", labels=["a", "b"])


def test_groups_must_come_out_even() -> None:
    net = chainer.Sequential(L.Convolution2D(4, 8, 1, groups=2))
    with pytest.raises(UsageError, match="2 groups"):
        resize_head(net, 3)
