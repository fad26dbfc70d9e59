"""``caffe time``: each layer's own time, in Caffe's words."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest

from chainer_ft.caffe import timing
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.caffe.solver.log import Log
from chainer_ft.caffe.timing import TimedNet, time_net

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "fc1" type: "InnerProduct" bottom: "data" top: "fc1"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "act" type: "TanH" bottom: "fc1" top: "fc1" }
layer { name: "fc2" type: "InnerProduct" bottom: "fc1" top: "fc2"
        inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
"""
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "fc2" bottom: "fc2" top: "loss" }'
BATCH = {"data": np.ones((2, 3), np.float32)}


def timed(text: str, count: int = 3) -> tuple[TimedNet, list[str], list[int]]:
    net, out, done = TimedNet(parse_net(text), "TRAIN"), io.StringIO(), []
    time_net(net, lambda: BATCH, count, Log(out), done.append)
    return net, re.findall(r"(?<=\] ).*", out.getvalue()), done


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock finds it a millisecond later."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(timing, "now", lambda: next(seconds) / 1000)


def test_the_lines_of_caffe(clock: None) -> None:
    _, lines, done = timed(NET + LOSS)
    assert lines[0] == "Performing Forward" and lines[1].startswith("Initial loss: ")
    assert lines[2:5] == [
        "Performing Backward", "*** Benchmark begins ***", "Testing for 3 iterations.",
    ]  # fmt: skip
    assert re.fullmatch(r"Iteration: 3 forward-backward time: \d+ ms\.", lines[7])
    assert lines[8] == "Average time per layer: "
    table = [line for line in lines if "\t" in line]
    assert "       fc1\tforward: 1 ms." in table and "       fc1\tbackward: 1 ms." in table
    assert "      data\tforward: 0 ms." in table
    assert lines[-1] == "*** Benchmark ends ***"
    forward, backward, both, total = (
        float(re.findall(r"[\d.]+", line)[0]) for line in lines[-5:-1]
    )
    assert both == pytest.approx(forward + backward) and total == pytest.approx(3 * both)
    assert done == [1, 2, 3]


def test_every_layer_that_works_has_a_time() -> None:
    net, _, _ = timed(NET + LOSS)
    names = [layer.name for layer in net.layers]
    for seconds in (net.forward_seconds, net.backward_seconds):
        found = {names[i] for i, spent in seconds.items() if spent > 0}
        assert found >= {"fc1", "act", "fc2", "loss"} and "data" not in found


def test_a_net_without_a_loss_has_no_backward() -> None:
    net, lines, _ = timed(NET)
    assert "Initial loss: 0" in lines
    assert not net.backward_seconds and len(net.forward_seconds) == 3
