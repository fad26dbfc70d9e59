"""What a layer gives, wherever it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np
import pytest
from feature_nets import Residual, data

from chainer_ft.caffe import Net, parse_net
from chainer_ft.errors import RuleError, UsageError
from chainer_ft.finetune.reading import in_test_mode, reader

PROTOTXT = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


def test_by_default_it_is_what_the_head_reads() -> None:
    net, (images, _) = Residual(), data(4)
    name, read = reader(net, None, images)
    given = in_test_mode(read)(images)
    with chainer.using_config("train", False):
        assert (net.fc(given).array == net(images).array).all()
    assert name == "what /fc reads" and given.shape == (4, 8)


def test_the_path_of_a_link_is_what_it_returns() -> None:
    net, (images, _) = Residual(), data(4)
    name, read = reader(net, "blocks/0", images)
    with chainer.using_config("train", False):
        expected = net.blocks[0](images).array
    assert name == "/blocks/0" and (in_test_mode(read)(images) == expected).all()


def test_nothing_behind_the_layer_is_computed() -> None:
    class Ends(Residual):
        def forward(self, x: Any) -> Any:
            self.blocks[0](x)
            raise AssertionError("behind the layer")

    images = data(2)[0]
    assert in_test_mode(reader(Ends(), "/blocks/0", images)[1])(images).shape == (2, 4, 8, 8)


def test_a_blob_of_a_caffe_net_is_as_its_last_layer_leaves_it() -> None:
    net, images = Net(parse_net(PROTOTXT)), data(2)[0]
    name, read = reader(net, "conv", images)
    given = in_test_mode(read)(images)
    assert name == "conv" and (given == F.relu(net.conv(images)[0]).array).all()
    assert reader(net, None, images)[0] == "conv"
    with pytest.raises(RuleError, match="no such blob; nearest: conv"):
        reader(net, "conv9", images)


def test_a_name_that_a_pretrained_net_knows() -> None:
    class Pretrained(Residual):
        available_layers = ("pool",)

        def forward(self, x: Any, layers: Any = ()) -> Any:
            return {name: F.average(x, axis=(2, 3)) for name in layers}

    images = data(2)[0]
    name, read = reader(Pretrained(), "pool", images)
    assert name == "pool" and in_test_mode(read)(images).shape == (2, 3)


def test_layers_that_are_not_there() -> None:
    images = data(2)[0]
    with pytest.raises(RuleError, match="nearest: /blocks/0"):
        reader(Residual(), "/block/0", images)
    idle = Residual()
    with idle.init_scope():
        idle.extra = L.Linear(2, 2)
    with pytest.raises(UsageError, match="/extra: is not called"):
        in_test_mode(reader(idle, "/extra", images)[1])(images)


def test_a_layer_without_a_row_for_each_sample(tmp_path: Path) -> None:
    class Turned(chainer.Link):
        def forward(self, x: Any) -> Any:
            return F.transpose(F.average(x, axis=(2, 3)))

    net = chainer.Sequential(Turned())
    images = data(2)[0]
    with pytest.raises(UsageError, match="a row for each sample"):
        in_test_mode(reader(net, "/0", images)[1])(images)


def test_it_is_read_in_test_mode() -> None:
    net = chainer.Sequential(
        L.BatchNormalization(3), lambda x: F.dropout(x, 0.5), L.Linear(None, 2)
    )
    images = data(4)[0]
    net(images)
    mean = net[0].avg_mean.copy()
    first, second = (in_test_mode(reader(net, None, images)[1])(images) for _ in range(2))
    assert (first == second).all() and (net[0].avg_mean == mean).all()
    assert np.isfinite(first).all()
