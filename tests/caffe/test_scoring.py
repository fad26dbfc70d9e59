"""``caffe test``: outputs over batches, in Caffe's words."""

from __future__ import annotations

import io
import re

import numpy as np

from chainer_ft.caffe import Net
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.caffe.scoring import score_net
from chainer_ft.caffe.solver.feeding import Feeds
from chainer_ft.caffe.solver.log import Log
from chainer_ft.caffe.solver.running import Running

NET = """
layer { name: "data" type: "Input" top: "x" top: "t" }
layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "t" top: "loss" loss_weight: 2 }
layer { name: "twice" type: "Power" bottom: "x" top: "twice" power_param { scale: 2 } }
"""


def test_means_of_all_numbers_of_all_outputs() -> None:
    net = Net(parse_net(NET), "TEST")
    batches = [
        (np.float32([[1, 2]]), np.float32([[1, 0]])),
        (np.float32([[3, 6]]), np.float32([[3, 0]])),
    ]
    feeds = Feeds(net.data_layers, "TEST", lambda layer, phase: iter(batches))
    out, done = io.StringIO(), []
    found = score_net(Running(net, feeds), 2, Log(out), done.append)
    assert re.findall(r"(?<=\] ).*", out.getvalue()) == [
        "Running for 2 iterations.",
        "Batch 0, loss = 2", "Batch 0, twice = 2", "Batch 0, twice = 4",
        "Batch 1, loss = 18", "Batch 1, twice = 6", "Batch 1, twice = 12",
        "Loss: 20",
        "loss = 10 (* 2 = 20 loss)", "twice = 4", "twice = 8",
    ]  # fmt: skip
    assert [output.values.tolist() for output in found] == [[10], [4, 8]] and done == [1, 2]
