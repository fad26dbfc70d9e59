"""Layers as real Caffe wires and saves them."""

from __future__ import annotations

from pathlib import Path

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import parse_net, read_net
from chainer_ft.caffe.solver.finished import finished
from chainer_ft.caffe.splits import insert_splits


def saved_layers(layers: list[Message], phase: str) -> list[Message]:
    return [finished(layer, phase) for layer in insert_splits(layers)]


def test_the_splits_of_a_test_net_are_those_of_caffes_log(shared: Path) -> None:
    files = shared / "caffe" / "golden" / "files"
    net = read_net(files / "net.prototxt")
    made = saved_layers(net.layer, "TEST")
    created = [
        line.split("Creating Layer ")[1].strip()
        for line in (files / "log.txt").read_text().splitlines()
        if "Creating Layer " in line
    ]
    assert [layer.name for layer in made] == created[6:]
    wires = [f"{la.name} <- {b}" for la in made for b in la.bottom]
    said = [
        line.split("] ")[1]
        for line in (files / "log.txt").read_text().splitlines()
        if " <- " in line
    ]
    assert wires == said[-len(wires) :]


def test_being_a_loss_is_a_use_and_the_first_top_carries_the_weight() -> None:
    net = parse_net(
        """layer { name: "d" type: "Input" top: "x" top: "y" }
        layer { name: "e" type: "EuclideanLoss" bottom: "x" bottom: "y" top: "e" loss_weight: 2 }
        layer { name: "p" type: "Power" bottom: "e" top: "p" }
        layer { name: "f" type: "EuclideanLoss" bottom: "x" bottom: "y" top: "f" }"""
    )
    made = {layer.name: layer for layer in saved_layers(net.layer, "TRAIN")}
    split = made["e_e_0_split"]
    assert (split.top, split.loss_weight) == (["e_e_0_split_0", "e_e_0_split_1"], [2.0, 0.0])
    assert made["p"].bottom == ["e_e_0_split_1"]
    assert made["f"].loss_weight == [1.0] and made["f"].phase == "TRAIN"


def test_statistics_get_rates_of_zero() -> None:
    net = parse_net(
        """layer { name: "d" type: "Input" top: "x" }
        layer { name: "n" type: "BatchNorm" bottom: "x" top: "n" param { lr_mult: 0 name: "m" } }"""
    )
    params = saved_layers(net.layer, "TEST")[1].param
    assert [(p.lr_mult, p.name) for p in params] == [(0.0, "m"), (0.0, ""), (0.0, "")]
    assert not net.layer[1].has("phase") and len(net.layer[1].param) == 1
