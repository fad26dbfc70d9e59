"""``--weights``: Caffe's copying, and what it does not say: which layers nobody filled."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipes import write_weights_of

from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import parse_net, parse_solver
from chainer_ft.caffe.solver import Log, Solver
from chainer_ft.caffe.solver.saved import write_weights
from chainer_ft.caffe.solver.snapshots import saved_net
from chainer_ft.caffe.solver.stored import stored_net
from chainer_ft.caffe.solver.weights import copy_weights
from chainer_ft.errors import ArrayError, NothingMatchedError

NET = """
layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2 dim: 4 } } }
layer { name: "body" type: "InnerProduct" bottom: "data" top: "body"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "body" top: "bn" }
layer { name: "head" type: "InnerProduct" bottom: "bn" top: "head"
        inner_product_param { num_output: 2 transpose: true weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Reduction" bottom: "head" top: "sum" loss_weight: 1 }
"""
BODY = {("body", 0): np.full((3, 4), 2, "f4"), ("body", 1): np.full(3, 3, "f4")}
NORM = {("bn", 0): np.full(3, 6, "f4"), ("bn", 1): np.full(3, 9, "f4"), ("bn", 2): np.float32([3])}
HEAD = {("head", 0): np.arange(6, dtype="f4").reshape(3, 2), ("head", 1): np.zeros(2, "f4")}


def built(text: str = NET) -> Net:
    net = Net(parse_net(text, "n.prototxt"), "TRAIN")
    net.run({"data": np.zeros((2, 4), "f4")})
    return net


def file(folder: Path, name: str, *parts: Any) -> str:
    blobs = {key: array for part in parts for key, array in part.items()}
    return write_weights_of(folder / f"{name}.caffemodel.h5", blobs)


def test_the_plan_says_what_went_where_and_what_did_not(tmp_path: Path) -> None:
    gone: list[str] = []
    net = built()
    plan = copy_weights(
        net, file(tmp_path, "x", BODY, NORM, {("old", 0): np.ones(2, "f4")}), gone.append
    )
    assert gone == ["old"]
    assert [(pair.source, pair.target) for pair in plan.pairs] == [
        ("/bn/0", "/bn/avg_mean"),
        ("/bn/1", "/bn/avg_var"),
        ("/bn/2", "/bn/factor"),
        ("/body/0", "/body/W"),
        ("/body/1", "/body/b"),
    ]
    assert plan.missing == ("/head/W", "/head/b") and plan.unexpected == ("/old/0",)
    assert "/head" in str(plan) and 0 < plan.coverage < 1
    np.testing.assert_array_equal(net.body.W.array, 2)
    np.testing.assert_array_equal(net.bn.avg_mean, 2)
    np.testing.assert_array_equal(net.bn.avg_var, 3)


def test_transposed_weights_and_statistics_come_back_as_they_were(tmp_path: Path) -> None:
    net = built()
    copy_weights(net, file(tmp_path, "x", BODY, NORM, HEAD))
    write_weights(tmp_path / "y.caffemodel", saved_net(net))
    other = built()
    copy_weights(other, tmp_path / "y.caffemodel")
    for blob in other.params_in_order():
        expected = {**BODY, **NORM, **HEAD}[blob.layer, blob.index]
        np.testing.assert_array_equal(blob.read(), expected)


def test_shared_parameters_take_the_last_layer_of_the_file(tmp_path: Path) -> None:
    text = """
    layer { name: "data" type: "DummyData" top: "data"
            dummy_data_param { shape { dim: 2 dim: 4 } } }
    layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "w" }
            inner_product_param { num_output: 4 bias_term: false } }
    layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" }
            inner_product_param { num_output: 4 bias_term: false } }"""
    net = built(text)
    ones = np.ones((4, 4), "f4")
    write_weights(tmp_path / "x.caffemodel", saved_net(net))
    plan = copy_weights(net, file(tmp_path, "x", {("a", 0): ones, ("b", 0): ones * 2}))
    assert net.a.W is net.b.W
    np.testing.assert_array_equal(net.a.W.array, 2)
    assert [(pair.source, pair.target) for pair in plan.pairs] == [("/b/0", "/a/W")]
    assert [skip.path for skip in plan.skipped] == ["/a/0", "/b/W"]
    copy_weights(net, file(tmp_path, "z", {("a", 0): ones * 5}))
    np.testing.assert_array_equal(net.b.W.array, 5)


def test_nothing_is_written_where_something_does_not_fit(tmp_path: Path) -> None:
    net = built()
    before = net.body.W.array.copy()
    bad = {**HEAD, ("head", 0): np.zeros((5, 2), "f4")}
    with pytest.raises(ArrayError, match=r"'head', blob 0: shape \(5, 2\) there and \(3, 2\)"):
        copy_weights(net, file(tmp_path, "x", BODY, bad))
    nan = {**HEAD, ("head", 1): np.float32([0, np.nan])}
    with pytest.raises(ArrayError, match="'head', blob 1: holds NaN"):
        copy_weights(net, file(tmp_path, "y", BODY, nan))
    with pytest.raises(NothingMatchedError):
        copy_weights(net, file(tmp_path, "z", {("other", 0): np.ones(2, "f4")}))
    np.testing.assert_array_equal(net.body.W.array, before)


def solver(folder: Path, extra: str = "", **options: Any) -> tuple[Solver, str]:
    (folder / "n.prototxt").write_text(NET)
    out = io.StringIO()
    text = f'net: "{folder}/n.prototxt" lr_policy: "fixed" base_lr: 0.1 {extra}'
    return Solver(parse_solver(text, "s"), log=Log(out), **options), out.getvalue()


def test_several_files_and_who_is_left_alone(tmp_path: Path) -> None:
    one, two = file(tmp_path, "one", BODY), file(tmp_path, "two", {**BODY, ("body", 1): np.ones(3)})
    made, log = solver(tmp_path, "test_iter: 1 test_interval: 5", weights=[f"{one}, {two}"])
    np.testing.assert_array_equal(made.net.body.b.array, 1)
    assert log.count(f"Finetuning from {one}\n") == log.count(f"Finetuning from {two}\n") == 2
    assert "left at their fillers: bn, head\n" in log
    assert f"{one}: coverage 65.22%" in log
    assert [len(plan.pairs) for plan in made.reports] == [2, 2]


def test_the_command_lines_weights_replace_the_solvers(tmp_path: Path) -> None:
    one, two = file(tmp_path, "one", BODY), file(tmp_path, "two", {**BODY, ("body", 1): np.ones(3)})
    made, _ = solver(tmp_path, f'weights: "{one}"')
    np.testing.assert_array_equal(made.net.body.b.array, 3)
    made, log = solver(tmp_path, f'weights: "{one}"', weights=[two])
    np.testing.assert_array_equal(made.net.body.b.array, 1)
    assert "one.caffemodel" not in log


def test_a_layer_of_the_test_net_alone_gets_its_weights_too(tmp_path: Path) -> None:
    test = NET.replace(
        'layer { name: "sum"',
        'layer { name: "extra" type: "InnerProduct" '
        'bottom: "head" top: "e" inner_product_param { num_output: 1 } }\nlayer { name: "sum"',
    )
    (tmp_path / "t.prototxt").write_text(test)
    extra = {("extra", 0): np.full((1, 2), 7, "f4"), ("extra", 1): np.ones(1, "f4")}
    made, log = solver(
        tmp_path,
        f'test_net: "{tmp_path}/t.prototxt" test_iter: 1 test_interval: 5',
        weights=[file(tmp_path, "x", BODY, extra)],
    )
    assert "Ignoring source layer extra" in log
    np.testing.assert_array_equal(made.test_nets[0].extra.W.array, 7)
    assert made.test_nets[0].body.W is made.net.body.W


def test_layers_of_one_name_stay_apart(tmp_path: Path) -> None:
    text = """
    layer { name: "data" type: "DummyData" top: "data"
            dummy_data_param { shape { dim: 2 dim: 4 } } }
    layer { name: "x" type: "InnerProduct" bottom: "data" top: "a"
            inner_product_param { num_output: 3 } }
    layer { name: "x" type: "InnerProduct" bottom: "a" top: "b"
            inner_product_param { num_output: 2 bias_term: false } }
    layer { name: "x" type: "ReLU" bottom: "b" top: "c" }"""
    net = built(text)
    first, second = (blob.parameter for blob in net.params_in_order() if blob.index == 0)
    assert first is not None and second is not None
    first.array[...], second.array[...] = 1, 2
    write_weights(tmp_path / "x.caffemodel", saved_net(net))
    with stored_net(str(tmp_path / "x.caffemodel")) as stored:
        assert [len(layer.blobs) for layer in stored.layers] == [0, 2, 1, 0]
    only = {("x", 0): np.full((3, 4), 7, "f4"), ("x", 1): np.ones(3, "f4")}
    with pytest.raises(
        ArrayError, match="2 blobs there and 0 in the net"
    ):  # HDF5: the last of them
        copy_weights(net, file(tmp_path, "y", only))
