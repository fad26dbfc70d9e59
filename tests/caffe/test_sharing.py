"""Parameters that layers of one net share, and that nets share."""

from __future__ import annotations

from pathlib import Path

import chainer
import chainer.functions as F  # noqa: N812
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.caffe.layers.base import NetError
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import parse_net, write_binary
from chainer_ft.errors import ArrayError

DATA = 'layer { name: "d" type: "Input" top: "x" top: "y" }\n'
X = np.random.RandomState(0).randn(3, 4).astype("f4")


def fc(name: str, bottom: str, spec: str = 'name: "w"', more: str = "", size: int = 4) -> str:
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" '
        f"param {{ {spec} }} inner_product_param {{ num_output: {size} bias_term: false {more} "
        'weight_filler { type: "gaussian" } } }\n'
    )


def norm(name: str, bottom: str) -> str:
    specs = "".join(f'param {{ name: "s{i}" lr_mult: 0 }}' for i in range(3))
    return (
        f'layer {{ name: "{name}" type: "BatchNorm" bottom: "{bottom}" top: "{name}" {specs} }}\n'
    )


def net(*layers: str, phase: str = "TRAIN") -> Net:
    return Net(parse_net("".join(layers), "n"), phase=phase)


def test_one_array_for_two_layers() -> None:
    made = net(DATA, fc("a", "x"), fc("b", "a"))
    assert made.a.W is made.b.W
    (b,) = made({"x": X}, ["b"])
    np.testing.assert_allclose(b.array, X @ made.a.W.array.T @ made.a.W.array.T, rtol=1e-4)
    F.sum(b).backward()
    both = made.a.W.grad.copy()
    one, other = made.params_in_order()
    assert one.owner is None and other.owner == one
    made.cleargrads()
    h = F.linear(X, made.a.W.array)
    F.sum(F.linear(h, made.a.W)).backward()
    assert not np.allclose(both, made.a.W.grad)  # one path alone gives less


def test_an_optimizer_updates_it_once() -> None:
    made = net(DATA, fc("a", "x"), fc("b", "a"))
    made({"x": X}, ["b"])
    optimizer = chainer.optimizers.SGD(0.1).setup(made)
    before = made.a.W.array.copy()
    made.cleargrads()
    F.sum(made({"x": X}, ["b"])[0]).backward()
    optimizer.update()
    np.testing.assert_allclose(made.a.W.array, before - 0.1 * made.a.W.grad, rtol=1e-6)
    assert [path for path, _ in made.namedparams()] == ["/a/W"] and len(list(made.params())) == 1


def test_multipliers_for_an_optimizer_of_chainers() -> None:
    made = net(
        DATA,
        fc("a", "x", 'name: "w" lr_mult: 3 decay_mult: 0'),
        fc("b", "a"),
        fc("c", "b", "lr_mult: 0"),
    )
    rates, decay = made.multipliers()
    assert (rates, decay) == ({"/a/W": 3}, {"/a/W": 0})
    optimizer = chainer.optimizers.SGD(0.1).setup(made)
    ft.learning_rates(made, rates, decay=decay)
    assert made.a.W.update_rule.hyperparam.lr == pytest.approx(0.3)
    assert optimizer.lr == 0.1 and not made.c.W.update_rule.enabled


def test_tied_weights_of_an_autoencoder() -> None:
    made = net(DATA, fc("a", "x", size=2), fc("b", "a", more="transpose: true", size=4))
    (b,) = made({"x": X}, ["b"])
    weights = made.params_in_order()[0].read()
    assert weights.shape == (2, 4)
    np.testing.assert_allclose(b.array, X @ weights.T @ weights, rtol=1e-4, atol=1e-6)


def test_multipliers() -> None:
    adopted = net(DATA, fc("a", "x"), fc("b", "a", 'name: "w" lr_mult: 3'))
    assert [blob.lr_mult for blob in adopted.params_in_order()] == [3, 3]
    with pytest.raises(NetError, match=r"^n:3:\d+: layer 'b' shares 'w' with layer 'a', .*lr_mult"):
        net(DATA, fc("a", "x", 'name: "w" lr_mult: 1'), fc("b", "a", 'name: "w" lr_mult: 3'))


def test_statistics_move_once_for_each_layer_that_shares_them() -> None:
    made = net(DATA, norm("a", "x"), norm("b", "y"))
    made({"x": X, "y": X + 2}, ["a", "b"])
    assert made.a.factor == made.b.factor == pytest.approx(1.999)
    sums = [blob.read() for blob in made.params_in_order()]
    for one, other in zip(sums[:3], sums[3:], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(sums[0], 0.999 * X.mean(0) + (X + 2).mean(0), rtol=1e-5)


def test_the_test_net_uses_the_parameters_of_the_other() -> None:
    text = DATA + norm("n", "x") + fc("a", "n")
    train, test = net(text, fc("only", "a")), net(text, phase="TEST")
    train({"x": X}, ["only"])
    assert test.share_with(train) == ("only",)
    assert test.a.W is train.a.W
    before = test({"x": X}, ["a"])[0].array
    train({"x": X * 3}, ["only"])  # moves the statistics
    after = test({"x": X}, ["a"])[0].array
    assert not np.allclose(before, after)
    mean, var = train.n.avg_mean, train.n.avg_var
    wanted = (X - mean) / np.sqrt(var + 1e-5) @ train.a.W.array.T
    np.testing.assert_allclose(after, wanted, rtol=1e-4, atol=1e-5)


def test_nets_that_do_not_agree() -> None:
    one, other = net(DATA, fc("a", "x", size=2)), net(DATA, fc("a", "x", size=3))
    for made in (one, other):
        made({"x": X}, ["a"])
    with pytest.raises(ArrayError, match=r"layer 'a': blobs \[\(2, 4\)\] .* \[\(3, 4\)\]"):
        other.share_with(one)


def test_weights_of_siblings_come_back_from_a_file(tmp_path: Path) -> None:
    """Caffe saves what is shared once for each layer that uses it."""
    text = DATA + fc("a", "x") + norm("m", "a") + fc("b", "y") + norm("n", "b")
    made = net(text)
    made({"x": X, "y": X + 1}, ["m", "n"])
    layers = [layer.copy() for layer in made.layers]
    for layer in layers:
        for blob in (b for b in made.params_in_order() if b.layer == layer.name):
            array = blob.read()
            shape = Message("BlobShape", dim=list(array.shape))
            layer.add("blobs", Message("BlobProto", data=array.ravel(), shape=shape))
    write_binary(Message("NetParameter", layer=layers), tmp_path / "s.caffemodel")
    again = net(text)
    ft.copy(tmp_path / "s.caffemodel", again, strict=True)
    alone = Net(tmp_path / "s.caffemodel", phase="TRAIN")
    for other in (again, alone):
        assert other.a.W is other.b.W
        other({"x": X, "y": X + 2}, ["m", "n"])
    made({"x": X, "y": X + 2}, ["m", "n"])
    for blob, *twins in zip(*(n.params_in_order() for n in (made, again, alone)), strict=True):
        for twin in twins:
            np.testing.assert_allclose(twin.read(), blob.read(), rtol=1e-5, atol=1e-6)
