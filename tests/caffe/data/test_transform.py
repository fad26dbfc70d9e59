"""``transform_param``, against plain loops and by its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.caffe.binary_writer import to_binary
from chainer_ft.caffe.data.transform import Transform, read_mean, read_transform
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import parse_net
from chainer_ft.errors import FormatError, UsageError


def by_loops(
    pixels: np.ndarray, mean: np.ndarray, scale: float, top: int, left: int, side: int, flip: bool
) -> np.ndarray:
    """Caffe's loop: one number after another, in float32."""
    channels, _, _ = pixels.shape
    out = np.empty((channels, side, side), np.float32)
    for c, h, w in np.ndindex(out.shape):
        pixel = np.float32(pixels[c, top + h, left + w])
        value = (pixel - mean[c, top + h, left + w]) * np.float32(scale)
        out[c, h, side - 1 - w if flip else w] = value
    return out


@given(
    st.integers(1, 3), st.integers(4, 7), st.integers(4, 7), st.integers(1, 4),
    st.floats(-3, 3, width=32), st.integers(0, 2**32 - 1), st.booleans(),
)  # fmt: skip
def test_it_is_caffes_loop(
    channels: int, height: int, width: int, side: int, scale: float, seed: int, train: bool
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (channels, height, width), np.uint8)
    mean = rng.normal(120, 30, pixels.shape).astype(np.float32)
    transform = Transform(train, scale, side, True, mean)
    got = transform(pixels, np.random.default_rng(seed), "it")
    draws = np.random.default_rng(seed)
    flip = bool(draws.integers(2))
    places = [(height - side) // 2, (width - side) // 2]
    if train:
        places = [int(draws.integers(n - side + 1)) for n in (height, width)]
    np.testing.assert_array_equal(got, by_loops(pixels, mean, scale, *places, side, flip))


@pytest.mark.parametrize("values", [(7.0,), (1.0, 2.0, 3.0)])
def test_one_mean_value_is_for_all_channels(values: tuple[float, ...]) -> None:
    pixels = np.full((3, 2, 2), 10, np.uint8)
    out = Transform(mean_values=values)(pixels, None, "it")
    np.testing.assert_array_equal(out[:, 0, 0], 10 - np.array(values * (3 // len(values))))


@pytest.mark.parametrize(
    "transform, message",
    [
        (Transform(crop_size=5), r"it: 4x6 \(height x width\) is smaller than crop_size 5"),
        (Transform(mean=np.zeros((3, 4, 4), np.float32)), r"shape \(3, 4, 6\) .* \(3, 4, 4\)"),
        (Transform(mean=np.zeros((1, 4, 6), np.float32)), r"shape \(3, 4, 6\) .* \(1, 4, 6\)"),
        (Transform(mean_values=(1.0, 2.0)), "has 3 channels, and there are 2 mean_value"),
    ],
)
def test_what_does_not_fit(transform: Transform, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        transform(np.zeros((3, 4, 6), np.uint8), None, "it")


@pytest.mark.parametrize(
    "text, message",
    [
        ("mean_file: 'm' mean_value: 1", "mean_file and mean_value cannot both be set"),
        ("force_color: true force_gray: true", "force_color and force_gray cannot both"),
    ],
)
def test_what_excludes_each_other_is_named_with_its_line(text: str, message: str) -> None:
    net = parse_net(f"layer {{ name: 'd'\n transform_param {{ {text} }} }}", "a.prototxt")
    with pytest.raises(UsageError, match=rf"a\.prototxt:2:\d+: {message}"):
        read_transform(net.layer[0].transform_param, train=True)


def test_mean_files_old_and_new(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32)
    old = Message("BlobProto", num=1, channels=3, height=2, width=2, data=values)
    shape = Message("BlobShape", dim=[1, 3, 2, 2])
    for name, blob in (("old", old), ("new", Message("BlobProto", shape=shape, data=values))):
        (tmp_path / name).write_bytes(to_binary(blob))
        np.testing.assert_array_equal(read_mean(str(tmp_path / name)), values.reshape(3, 2, 2))


def test_a_mean_that_is_no_image(tmp_path: Path) -> None:
    shape = Message("BlobShape", dim=[12])
    blob = Message("BlobProto", shape=shape, data=np.arange(12, dtype=np.float32))
    (tmp_path / "m").write_bytes(to_binary(blob))
    with pytest.raises(FormatError, match="three axes"):
        read_mean(str(tmp_path / "m"))
