"""The benchmark of Caffe nets: that it runs, and that both sides compute the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"

sys.path.insert(0, str(BENCHMARKS))

from caffe_nets import NETS  # noqa: E402

from chainer_ft.caffe import Net  # noqa: E402
from chainer_ft.caffe.prototxt import parse_net  # noqa: E402


def test_a_quick_run() -> None:
    command = [sys.executable, str(BENCHMARKS / "caffe.py"), "--quick", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert [f["what"] for f in figures] == [
        "LeNet, 64 digits: forward",
        "LeNet, 64 digits: training step",
    ]
    assert all(0 < figure["value"] < 1e6 for figure in figures)


@pytest.mark.parametrize("name", NETS)
def test_net_and_chain_are_the_same(name: str) -> None:
    """With the same weights; the shapes of all arrays agree, in order."""
    text, chain_of, blob = NETS[name]
    net, chain = Net(parse_net(text()), phase="TRAIN"), chain_of()
    shape = [1, *net.data_layers[0].input_param.shape[0].dim[1:]]
    x = np.random.RandomState(0).rand(2, *shape[1:]).astype("f4")
    (y,), z = net({"data": x}, [blob]), chain(x)
    assert y.shape == z.shape
    if name.startswith("ResNet"):
        assert net.count_params() == chain.count_params()
        return
    for path, param in chain.namedparams():
        param.array[...] = dict(net.namedparams())[path].array
    np.testing.assert_allclose(chain(x).array, y.array, rtol=1e-4, atol=1e-5)
