"""Every layer against what real Caffe computed: outputs, gradients, weights after it."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np
import pytest
from golden import CASES, named, steps

from chainer_ft.caffe.blobs import from_caffe
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.links import write

CLOSE = {"rtol": 3e-5, "atol": 3e-6}


def net_of(case: dict[str, Any]) -> Net:
    """A net of one layer, called ``layer``, behind an Input."""
    names = [name for name, _ in case["inputs"]]
    tops = " ".join(f'top: "{name}"' for name in names)
    bottoms = " ".join(f'bottom: "{name}"' for name in names)
    text = f'layer {{ name: "in" type: "Input" {tops} }}'
    text += f'layer {{ name: "layer" {bottoms} top: "out" {case["layer"]} }}'
    return Net(parse_net(text), phase=case["phase"])


def put_weights(net: Net, weights: dict[str, np.ndarray]) -> None:
    blobs = net.params_in_order()
    write(net, from_caffe(blobs, [weights[str(blob.index)] for blob in blobs]))


@pytest.mark.parametrize("name", list(CASES))
def test_equals_caffe(name: str) -> None:
    net = net_of(CASES[name])
    put_weights(net, named(f"{name}|w|"))
    for step in steps(name):
        at = f"{name}|{step}|"
        inputs = {k: chainer.Variable(a) for k, a in named(f"{at}in|").items()}
        net.cleargrads()
        (out,) = net(inputs, ["out"])
        np.testing.assert_allclose(out.array, named(at)["out"], **CLOSE)
        assert out.shape == named(at)["out"].shape
        if "gout" in named(at):
            check_gradients(net, inputs, out, at)
        for blob in net.params_in_order():
            after = named(f"{at}wafter|")[str(blob.index)]
            np.testing.assert_allclose(blob.read(), after, **CLOSE)


def check_gradients(net: Net, inputs: dict[str, Any], out: Any, at: str) -> None:
    out.grad = named(at)["gout"]
    out.backward()
    for key, wanted in named(f"{at}gin|").items():
        found = inputs[key].grad
        found = np.zeros_like(wanted) if found is None else found
        np.testing.assert_allclose(found, wanted, **CLOSE)
    for blob in net.params_in_order():
        if blob.parameter is not None and blob.parameter.grad is not None:
            wanted = named(f"{at}gw|")[str(blob.index)]
            np.testing.assert_allclose(blob.to_caffe(blob.parameter.grad), wanted, **CLOSE)
