"""Upgrades: equal to what Caffe's own tool wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainer_ft.caffe.prototxt import (
    PrototxtError,
    parse_net,
    parse_solver,
    read_net,
    read_solver,
    to_text,
    write_binary,
)
from chainer_ft.errors import FormatError


@pytest.mark.parametrize("generation", ["v0", "v1"])
def test_equals_caffes_own_upgrade(shared: Path, generation: str) -> None:
    files = shared / "caffe/golden/files"
    upgraded = to_text(read_net(files / f"{generation}.prototxt"))
    assert upgraded == (files / f"{generation}_up.prototxt").read_text()


def test_places_survive() -> None:
    net = parse_net('layers { name: "c" type: CONVOLUTION convolution_param { pad: 1 } }', "v1")
    assert net.layer[0].where("type") == "v1:1:20"
    assert net.layer[0].convolution_param.where("pad") == "v1:1:58"


def test_old_transformations_move() -> None:
    layer = parse_net("layers { type: DATA data_param { scale: 2 crop_size: 5 } }").layer[0]
    assert (layer.transform_param.scale, layer.transform_param.crop_size) == (2, 5)
    assert not layer.data_param.has("scale")


def test_a_new_layer_keeps_its_old_transformations() -> None:
    layer = parse_net('layer { type: "Data" data_param { scale: 2 } }').layer[0]
    assert not layer.has("transform_param") and layer.data_param.scale == 2


def test_lists_of_unequal_length() -> None:
    layer = parse_net(
        'layers { type: RELU blobs_lr: 0 param: "a" param: "b" weight_decay: 3 }'
    ).layer[0]
    assert [(p.name, p.lr_mult, p.decay_mult) for p in layer.param] == [("a", 0, 3), ("b", 1, 1)]


def test_inputs_with_shapes_dims_or_neither() -> None:
    shaped = parse_net('input: "x" input: "y" input_shape { dim: 2 } input_shape { dim: 3 }')
    assert [s.dim for s in shaped.layer[0].input_param.shape] == [[2], [3]]
    assert shaped.layer[0].top == ["x", "y"] and not shaped.has("input")
    dims = parse_net('input: "x" input: "y" input_dim: [1, 2, 3, 4, 5, 6, 7, 8]')
    assert [s.dim for s in dims.layer[0].input_param.shape] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    neither = parse_net('input: "x" layer { name: "a" }')
    assert [layer.name for layer in neither.layer] == ["a"] and not neither.has("input")


def test_statistics_of_batch_norm() -> None:
    three = 'layer { type: "BatchNorm" ' + 'param { name: "s" lr_mult: 1 } ' * 3 + "}"
    assert {(p.name, p.lr_mult, p.decay_mult) for p in parse_net(three).layer[0].param} == {
        ("s", 0, 0)
    }
    two = 'layer { type: "BatchNorm" param { } param { lr_mult: 0 } }'
    assert [p.has("lr_mult") for p in parse_net(two).layer[0].param] == [False, True]


def test_padding_layers() -> None:
    net = parse_net(
        'layers { layer { name: "p" type: "padding" pad: 2 } bottom: "x" top: "p" }'
        'layers { layer { name: "q" type: "pool" kernelsize: 3 } bottom: "p" top: "q" }'
    )
    (pool,) = net.layer
    assert pool.bottom == ["x"] and pool.pooling_param.pad == 2
    with pytest.raises(PrototxtError, match="padding layer 'p'"):
        parse_net(
            'layers { layer { name: "p" type: "padding" } bottom: "x" top: "p" }'
            'layers { layer { name: "r" type: "relu" } bottom: "p" top: "r" }'
        )


def test_two_generations_in_one_net() -> None:
    with pytest.raises(PrototxtError, match=r"^n:1:\d+: `layer` and `layers`"):
        parse_net('layers { type: RELU } layer { type: "ReLU" }', "n")


def test_a_type_that_never_was() -> None:
    with pytest.raises(PrototxtError, match="unknown type 'convolution'; nearest: conv"):
        parse_net('layers { layer { name: "c" type: "convolution" } }')


def test_fields_that_mean_nothing_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    parse_net('layers { layer { name: "r" type: "relu" group: 2 } }', "n")
    assert "n:1:41: group means nothing to a relu layer" in caplog.text


def test_solver_types() -> None:
    assert parse_solver("solver_type: ADAGRAD").type == "AdaGrad"
    assert parse_solver("").type == "SGD"
    with pytest.raises(PrototxtError, match="both solver_type and type"):
        parse_solver('solver_type: ADAM type: "SGD"')
    inner = parse_solver("net_param { layers { type: LRN } }")
    assert inner.net_param.layer[0].type == "LRN"


def test_snapshot_prefix(tmp_path: Path) -> None:
    path = tmp_path / "my.solver.prototxt"
    path.write_text("")
    assert read_solver(path).snapshot_prefix == str(tmp_path / "my.solver")
    path.write_text(f'snapshot_prefix: "{tmp_path}"')
    assert read_solver(path).snapshot_prefix == str(tmp_path / "my.solver")
    path.write_text('snapshot_prefix: "a/b"')
    assert read_solver(path).snapshot_prefix == "a/b"


def test_weights_in_the_place_of_a_solver(tmp_path: Path) -> None:
    path = tmp_path / "x.caffemodel"
    write_binary(parse_net("layer { name: 'fc' type: 'InnerProduct' }"), path)
    assert read_net(path).layer[0].name == "fc"
    with pytest.raises(FormatError, match=r"x\.caffemodel: is binary, and a solver is a text"):
        read_solver(path)
