"""Datum: written and read again, and damaged."""

from __future__ import annotations

import io

import mutations
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from chainer_ft.caffe.binary_writer import to_binary
from chainer_ft.caffe.data.datum import datum_pixels, make_datum, read_datum
from chainer_ft.caffe.message import Message
from chainer_ft.errors import ChainerFTError, FormatError

WHERE = "db: key '00000007_x.png'"
SHAPES = array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=5)
FLOATS = st.floats(width=32, allow_nan=False)
LABELS = st.integers(-(2**31), 2**31 - 1)


@given(arrays(np.uint8, SHAPES) | arrays(np.float32, SHAPES, elements=FLOATS), LABELS)
def test_what_is_written_is_read(pixels: np.ndarray, label: int) -> None:
    datum = read_datum(make_datum(pixels, label), WHERE)
    again = datum_pixels(datum, WHERE)
    assert datum.label == label and again.dtype == pixels.dtype
    np.testing.assert_array_equal(again, pixels)


def test_packed_floats_are_read_too() -> None:
    """Caffe writes each with its key; protobuf reads both ways."""
    floats = np.array([1.5, -2.0], np.float32)
    packed = b"\x08\x01\x10\x01\x18\x02" + b"\x32\x08" + floats.tobytes()
    np.testing.assert_array_equal(datum_pixels(read_datum(packed, WHERE), WHERE).ravel(), floats)


def encoded(pixels: np.ndarray, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form)
    return out.getvalue()


def test_an_encoded_image_is_decoded_to_blue_green_red() -> None:
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    datum = read_datum(make_datum(encoded(rgb), 3), WHERE)
    assert datum.encoded and not datum.has("channels")
    np.testing.assert_array_equal(datum_pixels(datum, WHERE), rgb.transpose(2, 0, 1)[::-1])
    assert datum_pixels(datum, WHERE, color=False).shape == (1, 2, 4)


@pytest.mark.parametrize(
    "datum, message",
    [
        (
            Message("Datum", channels=1, height=2, width=2, data=b"abc"),
            r"\(1, 2, 2\) with 3 values",
        ),
        (Message("Datum", data=b"abc"), r"\(0, 0, 0\) with 3"),
        (Message("Datum", channels=-1, height=-3, width=1, data=b"abc"), r"\(-1, -3, 1\)"),
        (Message("Datum", channels=1, height=1, width=1), "with 0 values"),
        (Message("Datum", data=b"no image", encoded=True), "is no image"),
        (Message("Datum", encoded=True), "is no image"),
        (Message("Datum", data=encoded(np.zeros((9, 9), np.uint16)), encoded=True), "eight bits"),
    ],
)
def test_errors_name_database_and_key(datum: Message, message: str) -> None:
    with pytest.raises(FormatError, match=rf"db: key '00000007_x\.png': .*{message}"):
        datum_pixels(read_datum(to_binary(datum), WHERE), WHERE)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_truncated_image(form: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    data = encoded(noise, form)
    with pytest.raises(FormatError, match=r"00000007_x\.png': the image is damaged"):
        datum_pixels(read_datum(make_datum(data[: len(data) // 2], 0), WHERE), WHERE)


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_datum_or_an_error(data: bytes) -> None:
    try:
        datum_pixels(read_datum(data, WHERE), WHERE)
    except FormatError as error:
        assert str(error).startswith(WHERE)


def test_spoilt_records_end_in_errors_that_name_them() -> None:
    raw = make_datum(np.arange(48, dtype=np.uint8).reshape(3, 4, 4), 7)
    floats = make_datum(np.arange(12, dtype=np.float32).reshape(3, 2, 2), 7)
    picture = make_datum(encoded(np.arange(75, dtype=np.uint8).reshape(5, 5, 3)), 7)
    ways = [mutations.cut, mutations.flip_bit, mutations.set_bytes, mutations.hostile_number]
    errors = 0
    for case in range(1200):
        spoilt = ways[case % 4]((raw, floats, picture)[case % 3], np.random.default_rng(case))
        try:
            datum_pixels(read_datum(spoilt, WHERE), WHERE)
        except ChainerFTError as error:
            assert str(error).startswith(WHERE), case
            errors += 1
    assert 300 < errors < 1200
