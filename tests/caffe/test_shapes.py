"""Shapes that are known before anything is computed are those that are computed."""

from __future__ import annotations

import re

import numpy as np
import pytest
from golden import CASES, named

from chainer_ft.caffe.layers import KINDS
from chainer_ft.caffe.layers.base import NetError
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.caffe.shapes import RULES, data_shapes, tops_of

#: Shapes that depend on numbers, or that no layer reads on.
WITHOUT = {"ArgMax", "BatchReindex", "Filter", "HDF5Output", "Im2col", "Silence"}


def net(text: str) -> Net:
    return Net(parse_net(text, "n"), phase="TRAIN")


def data(*shapes: str) -> str:
    tops = "".join(f' top: "x{i}"' for i in range(len(shapes)))
    dims = "".join(f"shape {{ dim: [{s}] }} " for s in shapes)
    return f'layer {{ name: "d" type: "Input"{tops} input_param {{ {dims} }} }}\n'


def test_all_other_layers_have_a_rule() -> None:
    assert set(KINDS) - WITHOUT == set(RULES)


@pytest.mark.parametrize("name", list(CASES))
def test_equal_to_what_caffe_computed(name: str) -> None:
    layer = parse_net(f'layer {{ top: "y" {CASES[name]["layer"]} }}').layer[0]
    bottoms = [tuple(shape) for _, shape in CASES[name]["inputs"]]
    for _ in bottoms:
        layer.add("bottom", "x")
    tops = tops_of(layer, bottoms)
    if layer.type in WITHOUT:
        assert tops is None
    else:
        assert tops is not None and tops[0] == named(f"{name}|0|")["out"].shape


def test_weights_are_there_before_anything_runs() -> None:
    made = net(
        data("1, 3, 12, 12") + 'layer { name: "c" type: "Convolution" bottom: "x0" top: "c" '
        'convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "msra" } } }'
        'layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" }'
        'layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }'
        'layer { name: "r" type: "PReLU" bottom: "c" top: "c" }'
        'layer { name: "p" type: "Pooling" bottom: "c" top: "p" '
        "pooling_param { kernel_size: 3 stride: 2 } }"
        'layer { name: "f" type: "InnerProduct" bottom: "p" top: "f" '
        "inner_product_param { num_output: 2 } }"
    )
    shapes = {blob.path: blob.shape for blob in made.params_in_order()}
    assert shapes == {
        "/c/W": (4, 3, 3, 3),
        "/c/b": (4,),
        "/b/avg_mean": (4,),
        "/b/avg_var": (4,),
        "/b/factor": (1,),
        "/s/W": (4,),
        "/s/bias/b": (4,),
        "/r/W": (4,),
        "/f/W": (2, 100),
        "/f/b": (2,),
    }
    assert made.c.W.array.std() > 0 and (made.s.W.array == 1).all()


def test_without_shapes_they_come_with_the_first_call() -> None:
    made = net(
        'layer { name: "d" type: "Data" top: "x" }'
        'layer { name: "f" type: "InnerProduct" bottom: "x" top: "f" '
        "inner_product_param { num_output: 2 } }"
    )
    assert made.f.W.array is None
    made({"x": np.ones((1, 3))})
    assert made.f.W.shape == (2, 3)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ('"Input" top: "a" top: "b" input_param { shape { dim: 2 } }', [(2,), (2,)]),
        ('"Input" top: "a"', None),
        ('"DummyData" top: "a" dummy_data_param { shape { dim: [2, 3] } }', [(2, 3)]),
        (
            '"DummyData" top: "a" dummy_data_param { num: 1 channels: 2 height: 3 width: 4 }',
            [(1, 2, 3, 4)],
        ),
        (
            '"MemoryData" top: "a" top: "b" '
            "memory_data_param { batch_size: 5 channels: 2 height: 3 width: 4 }",
            [(5, 2, 3, 4), (5,)],
        ),
        ('"Data" top: "a"', None),
    ],
)
def test_the_shapes_of_data(text: str, shapes: list[tuple[int, ...]] | None) -> None:
    assert data_shapes(parse_net(f"layer {{ type: {text} }}").layer[0]) == shapes


@pytest.mark.parametrize(
    ("shape", "text", "said"),
    [
        ("1, 3, 2, 2", '"Convolution" convolution_param { num_output: 1 kernel_size: 3 }', "fit"),
        (
            "1, 3, 5, 5",
            '"Convolution" convolution_param { num_output: 2 kernel_size: 3 group: 2 }',
            "3 channels do not divide into 2 groups",
        ),
        ("2, 3", '"InnerProduct" inner_product_param { num_output: 1 axis: 2 }', "no axis 2"),
        ("2, 3", '"Reshape" reshape_param { shape { dim: 5 } }', "cannot be reshaped"),
        ("2, 3", '"Pooling" pooling_param { kernel_size: 1 }', "four axes"),
    ],
)
def test_what_does_not_fit_is_said_when_the_net_is_built(shape: str, text: str, said: str) -> None:
    with pytest.raises(NetError, match=said) as caught:
        net(data(shape) + f'layer {{ name: "l" bottom: "x0" top: "y" type: {text} }}')
    assert re.match(r"n:2:\d+: layer 'l' \(\w+\): with bottoms of shape", str(caught.value))


def test_shared_weights_of_other_shapes() -> None:
    """Caffe's STRICT."""
    layer = (
        'layer {{ name: "{0}" type: "InnerProduct" bottom: "{1}" top: "{0}" param {{ name: "w" }} '
        "inner_product_param {{ num_output: 2 bias_term: false }} }}\n"
    )
    text = data("1, 3", "1, 4") + layer.format("a", "x0") + layer.format("b", "x1")
    with pytest.raises(NetError, match=r"^n:3:.*'b'.*\(2, 4\) are needed, and .* \(2, 3\)"):
        net(text)
