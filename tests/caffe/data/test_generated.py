"""The layers that a program feeds."""

from __future__ import annotations

import numpy as np
import pytest

from chainer_ft.caffe.data import feeder
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.errors import UsageError

MEMORY = """layer { name: "m" type: "MemoryData" top: "data" top: "label"
  memory_data_param { batch_size: 2 channels: 1 height: 2 width: 3 } }"""


def feed_of(text: str):
    return feeder(parse_net(text, "n.prototxt").layer[0], "TEST", seed=0)


def test_memory_goes_round() -> None:
    feed = feed_of(MEMORY)
    data = np.arange(24).reshape(4, 1, 2, 3)
    feed.source.reset(data, np.arange(4))
    for start in (0, 2, 0):
        got, labels = next(feed)
        np.testing.assert_array_equal(got, data[start : start + 2])
        np.testing.assert_array_equal(labels, [start, start + 1])


def test_memory_before_it_is_given_anything() -> None:
    with pytest.raises(UsageError, match=r"n\.prototxt:1:\d+: layer 'm' .* was given no data"):
        next(feed_of(MEMORY))


@pytest.mark.parametrize(
    "shape, count, message",
    [((3, 1, 2, 3), 3, "a multiple of 2"), ((2, 1, 3, 2), 2, r"\(2, 1, 3, 2\)"),
     ((2, 1, 2, 3), 1, "1 labels for 2"), ((0, 1, 2, 3), 0, "a multiple of 2")],
)  # fmt: skip
def test_memory_of_other_shapes(shape: tuple[int, ...], count: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        feed_of(MEMORY).source.reset(np.zeros(shape), np.zeros(count))


def test_inputs_that_nobody_fills_are_zeros() -> None:
    shapes = "shape { dim: 2 dim: 3 } shape { dim: 4 }"
    text = f'layer {{ name: "i" type: "Input" top: "a" top: "b" input_param {{ {shapes} }} }}'
    first, second = next(feed_of(text))
    assert first.shape == (2, 3) and second.shape == (4,) and not first.any() and not second.any()


def test_an_input_without_a_shape() -> None:
    with pytest.raises(UsageError, match=r"n\.prototxt:1:\d+: layer 'i' \(Input\) has no shape"):
        feed_of('layer { name: "i" type: "Input" top: "a" }')


def test_a_shape_too_many() -> None:
    shapes = "shape { dim: 2 } shape { dim: 3 }"
    text = f'layer {{ name: "i" type: "Input" top: "a" input_param {{ {shapes} }} }}'
    with pytest.raises(UsageError, match="2 shape for 1 tops"):
        feed_of(text)


@pytest.mark.parametrize("dims", [(-1, 3), (65536, 65536)])
@pytest.mark.parametrize("kind, field", [("Input", "input"), ("DummyData", "dummy_data")])
def test_shapes_that_no_blob_has(dims: tuple[int, int], kind: str, field: str) -> None:
    shape = f"shape {{ dim: {dims[0]} dim: {dims[1]} }}"
    text = f'layer {{ name: "i" type: "{kind}" top: "a"\n {field}_param {{ {shape} }} }}'
    with pytest.raises(UsageError, match=rf"n\.prototxt:2:\d+: no blob has the shape \({dims[0]}"):
        feed_of(text)
