"""Splits, in-place layers, outputs, losses: as Caffe wires and names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainer_ft.caffe.graph import AUTOMATIC, Graph, make_graph
from chainer_ft.caffe.prototxt import PrototxtError, parse_net, read_net
from chainer_ft.caffe.splits import Top, insert_splits
from chainer_ft.errors import UsageError

DATA = frozenset({"Input"})
LOSSES = frozenset({"SoftmaxWithLoss"})


def layer(name: str, bottoms: str = "", tops: str = "", more: str = "") -> str:
    kind = "Input" if not bottoms else "SoftmaxWithLoss" if name.startswith("loss") else "ReLU"
    blobs = "".join(f' bottom: "{b}"' for b in bottoms.split())
    blobs += "".join(f' top: "{t}"' for t in tops.split())
    return f'layer {{ name: "{name}" type: "{kind}"{blobs} {more} }}\n'


def graph(*layers: str, loose: bool = False) -> Graph:
    return make_graph(parse_net("".join(layers), "n").layer, DATA, LOSSES, loose)


def wiring(net: Graph) -> list[tuple[str, list[str], list[str]]]:
    return [(n.layer.name, list(n.layer.bottom), list(n.tops)) for n in net.nodes]


@pytest.mark.parametrize(("folder", "weights"), [("ultraface", "RFB-320")])
def test_equals_the_split_layers_that_caffe_wrote(shared: Path, folder: str, weights: str) -> None:
    files = shared / "data/caffe" / folder
    ours = insert_splits(read_net(files / f"{weights}.prototxt").layer)
    caffes = read_net(files / f"{weights}.caffemodel").layer
    assert len(ours) == len(caffes) == 116
    for one, other in zip(ours, caffes, strict=True):
        assert (one.name, one.type) == (other.name, other.type)
        assert (one.bottom, one.top) == (other.bottom, other.top)


def test_a_split_is_behind_the_last_layer_in_place() -> None:
    net = graph(
        layer("d", "", "x"), layer("r", "x", "x"), layer("a", "x", "a"), layer("b", "x", "b")
    )
    assert [name for name, _, _ in wiring(net)] == ["d", "r", "x_r_0_split", "a", "b"]
    assert wiring(net)[2:] == [
        ("x_r_0_split", ["x"], ["x_r_0_split_0", "x_r_0_split_1"]),
        ("a", ["x_r_0_split_0"], ["a"]),
        ("b", ["x_r_0_split_1"], ["b"]),
    ]


def test_a_loss_weight_is_a_use() -> None:
    net = graph(layer("d", "", "x"), layer("a", "x", "a", "loss_weight: 3"), layer("b", "a", "b"))
    assert wiring(net)[2:] == [
        ("a_a_0_split", ["a"], ["a_a_0_split_0", "a_a_0_split_1"]),
        ("b", ["a_a_0_split_1"], ["b"]),
    ]
    assert net.losses == ((Top(2, 0), 3.0),)
    assert net.outputs == ("a_a_0_split_0", "b")


def test_splits_are_inserted_once() -> None:
    layers = parse_net(layer("d", "", "x") + layer("a", "x", "a") + layer("b", "x", "b")).layer
    once = insert_splits(layers)
    assert insert_splits(once) == once
    assert len(layers) == 3 and layers[1].bottom == ["x"]


def test_outputs_are_in_bytewise_order() -> None:
    net = graph(layer("d", "", "x y"), layer("l", "x", "loss"), layer("m", "y", "Acc acc é Z"))
    assert net.outputs == ("Acc", "Z", "acc", "loss", "é")


def test_a_loss_without_a_top() -> None:
    net = graph(layer("d", "", "x t"), layer("loss", "x t"))
    assert net.nodes[1].tops == (AUTOMATIC,)
    assert net.losses == ((Top(1, 0), 1.0),) and net.outputs == ()


def test_loss_weights() -> None:
    data = layer("d", "", "x t")
    assert graph(data, layer("loss", "x t", "l", "loss_weight: 0")).losses == ()
    assert graph(data, layer("loss", "x t", "l p")).nodes[1].loss_weights == (1.0, 0.0)
    with pytest.raises(PrototxtError, match=r"^n:2:.*'r': loss_weight is given 2 times for 1 tops"):
        graph(data, layer("r", "x", "y", "loss_weight: [1, 2]"))


def test_unknown_bottoms() -> None:
    with pytest.raises(PrototxtError, match=r"^n:2:\d+: layer 'a' reads the blob 'dta'.*: data"):
        graph(layer("d", "", "data"), layer("a", "dta", "a"))
    loose = graph(layer("a", "x y", "a"), layer("b", "a z", "b"), loose=True)
    assert list(loose.inputs) == ["x", "y", "z"]


def test_two_writers_of_one_blob() -> None:
    with pytest.raises(PrototxtError, match=r"^n:3:\d+: layer 'b' writes the blob 'a'"):
        graph(layer("d", "", "x y"), layer("a", "x", "a"), layer("b", "y", "a"))
    with pytest.raises(PrototxtError, match="writes the blob 'a'"):  # in place needs one index
        graph(layer("d", "", "x a"), layer("b", "x a", "a"))


def test_propagate_down_is_for_every_bottom() -> None:
    with pytest.raises(PrototxtError, match="propagate_down is given 2 times for 1 bottoms"):
        graph(layer("d", "", "x"), layer("a", "x", "a", "propagate_down: [true, false]"))


def test_only_what_is_needed_runs() -> None:
    net = graph(
        layer("d", "", "x t"), layer("a", "x", "a"), layer("b", "a", "b"), layer("loss", "b t", "l")
    )
    assert net.needed([net.find("a")], [net.find_input("x")]) == [1]
    assert net.needed([net.find("b")], [net.find_input("a")]) == [2]
    with pytest.raises(UsageError, match=r"blob 't' of layer 'd' \(Input\) is needed"):
        net.needed([net.find("l")], [net.find_input("x")])
    with pytest.raises(UsageError, match="no blob 'c'; nearest: "):
        net.find("c")


def test_an_input_in_place_is_given_before_it_is_changed() -> None:
    net = graph(layer("d", "", "x"), layer("r", "x", "x"))
    assert (net.find_input("x"), net.find("x")) == (Top(0, 0), Top(1, 0))
