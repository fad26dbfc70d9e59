"""The layer DummyData."""

from __future__ import annotations

import numpy as np
import pytest

from chainer_ft.caffe.data import feeder
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.errors import UsageError


def feed_of(body: str, tops: str = 'top: "a" top: "b"', seed: int = 0):
    text = f'layer {{ name: "d" type: "DummyData" {tops} dummy_data_param {{ {body} }} }}'
    return feeder(parse_net(text, "n.prototxt").layer[0], seed=seed)


def test_one_shape_and_one_filler_for_all_tops() -> None:
    filler = 'data_filler { type: "constant" value: 3 }'
    for array in next(feed_of(f"shape {{ dim: 2 dim: 5 }} {filler}")):
        np.testing.assert_array_equal(array, np.full((2, 5), 3, np.float32))


def test_a_shape_and_a_filler_for_each_top() -> None:
    shapes = "shape { dim: 2 } shape { dim: 1 dim: 4 }"
    fillers = 'data_filler { type: "uniform" min: 2 max: 3 } data_filler { value: 7 }'
    first, second = next(feed_of(f"{shapes} {fillers}"))
    assert first.shape == (2,) and (first >= 2).all() and (first < 3).all()
    np.testing.assert_array_equal(second, np.full((1, 4), 7, np.float32))


def test_shapes_of_old_files() -> None:
    a, b = next(feed_of("num: 2 num: 3 channels: 1 height: 4 height: 5 width: 6"))
    assert (a.shape, b.shape) == ((2, 1, 4, 6), (3, 1, 5, 6)) and not a.any() and not b.any()


def test_random_ones_differ_from_batch_to_batch_and_can_be_had_again() -> None:
    body = 'shape { dim: 9 } data_filler { type: "gaussian" std: 2 }'
    feed, other = (feed_of(body, 'top: "a"', seed=5) for _ in range(2))
    batches = [next(feed)[0] for _ in range(3)]
    assert len({batch.tobytes() for batch in batches}) == 3
    other.position = 2
    np.testing.assert_array_equal(next(other)[0], batches[2])


@pytest.mark.parametrize(
    "body, message",
    [
        ("shape { dim: 1 } shape { dim: 1 } shape { dim: 1 }", "3 shape for 2 tops"),
        ("num: 1 channels: 2 height: 1", "0 width for 2 tops"),
        ("shape { dim: 1 }" + " data_filler { }" * 3, "3 data_filler for 2 tops"),
        ("", "0 num for 2 tops"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(body: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"n\.prototxt:1:\d+: layer 'd' has {message}"):
        feed_of(body)


def test_an_unknown_filler_is_named_at_once() -> None:
    with pytest.raises(Exception, match=r"n\.prototxt:1:\d+: there is no filler 'gausian'"):
        feed_of('shape { dim: 2 } data_filler { type: "gausian" }')
