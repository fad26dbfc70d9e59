"""What is taken for a net that gives scores, and what is not."""

from __future__ import annotations

from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import numpy as np
import pytest
from small_runs import Net

from chainer_ft.caffe.net import Net as CaffeNet
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.errors import UsageError
from chainer_ft.finetune.predictor import check_scores, predictor

CAFFE = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""


class Probable(Net):
    def forward(self, x: Any) -> Any:
        return F.softmax(super().forward(x))


class WithLoss(chainer.Chain):  # type: ignore[misc]
    def forward(self, x: Any, t: Any) -> Any:
        return F.softmax_cross_entropy(x, t)


def test_a_net_that_gives_scores_is_taken_as_it_is() -> None:
    net = Net()
    assert predictor(net) is net
    check_scores(net, (3, 8, 8), 5)


def test_lazy_parameters_get_their_arrays() -> None:
    net = chainer.Sequential(chainer.links.Linear(None, 4))
    check_scores(net, (3, 8, 8), 4)
    assert net[0].W.shape == (4, 192)


def test_a_caffe_net_gives_what_goes_into_its_softmax() -> None:
    net = CaffeNet(parse_net(CAFFE))
    made = predictor(net)
    check_scores(made, (3, 8, 8), 3)
    x = np.random.RandomState(0).randn(2, 3, 8, 8).astype("f")
    (prob,) = net(x)
    assert np.allclose(F.softmax(made(x)).array, prob.array)
    assert predictor(net, "/ip1").blob == "ip1"
    with pytest.raises(UsageError, match="no such layer"):
        predictor(net, "/ip9")


@pytest.mark.parametrize(
    ("net", "classes", "said"),
    [
        (Net(), 4, r"gives \(2, 5\) for 2 images, not \(2, 4\)"),
        (Probable(), 5, "gives probabilities, not scores"),
        (WithLoss(), 5, "cannot be called with inputs .* TypeError"),
        (chainer.Sequential(lambda x: (x, x)), 5, "gives tuple for 2 images"),
    ],
)
def test_what_does_not_fit_is_said(net: chainer.Link, classes: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_scores(net, (3, 8, 8), classes)
