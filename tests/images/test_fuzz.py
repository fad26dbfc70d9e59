"""Spoilt images, tables, arrays and databases: their content, or an error that names the file."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torture
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import make_lmdb
from mutations import cut, flip_bit, set_bytes

from chainer_ft.caffe.data.datum import make_datum
from chainer_ft.errors import FormatError
from chainer_ft.images import find, open_picture
from chainer_ft.images.picture import quiet

CASES = 150


def spoilt(whole: bytes, seed: int) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    for _ in range(CASES):
        yield (cut, flip_bit, set_bytes)[rng.integers(3)](whole, rng)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    torture.write_good(folder)
    return folder


@pytest.mark.parametrize(
    "name",
    ["CAPITALS.JPG", "progressive.jpeg", "cmyk.jpg", "exif6.jpg", "exif6.png", "exif6.tif",
     "exif6.webp", "palette.gif", "frames.gif", "grey16.png", "grey16.tif", "floats.tif"],
)  # fmt: skip
def test_images(good: Path, name: str) -> None:
    read = 0
    for data in spoilt((good / name).read_bytes(), seed=len(name)):
        try:
            with quiet():
                picture = open_picture(data, "spoilt")
                pixels = picture.pixels()
        except FormatError as error:
            assert str(error).startswith("spoilt: ")
        else:
            assert pixels.dtype == np.uint8 and pixels.shape == (*picture.size[::-1], 3)
            read += 1
    assert read < CASES


def test_bytes_that_are_no_image() -> None:
    rng = random.Random(0)
    for size in range(200):
        with pytest.raises(FormatError, match=r"^noise: "), quiet():
            open_picture(rng.randbytes(size), "noise")


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from('ab/.png,;\t"\n\r 0-\ufeff\0\x85é'), max_size=60))
def test_tables(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("table") / "a.csv"
    path.write_bytes(text.encode())
    with pytest.raises(FormatError) as caught:
        find(path)  # not one of these files is there
    assert str(path) in str(caught.value)


def test_arrays(tmp_path: Path) -> None:
    file = io.BytesIO()
    x = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
    np.savez(file, x=x, y=np.array(["a", "b"] * 3))
    path = tmp_path / "a.npz"
    for data in spoilt(file.getvalue(), seed=1):
        path.write_bytes(data)
        try:
            images = find(path)
            every = [images.open(item).pixels() for item in images.train + images.val]
        except FormatError as error:
            assert str(path) in str(error)
        else:
            assert {pixels.shape for pixels in every} <= {(4, 4, 3)}


def test_databases(tmp_path: Path) -> None:
    records = [(b"%03d" % n, make_datum(np.full((3, 4, 4), n, np.uint8), n % 2)) for n in range(12)]
    path = make_lmdb(tmp_path / "db", records) / "data.mdb"
    whole = path.read_bytes()
    for data in spoilt(whole, seed=2):
        path.write_bytes(data)
        try:
            images = find(path.parent)
            every = [images.open(item).pixels() for item in images.train + images.val]
        except FormatError as error:
            assert str(path.parent) in str(error)
        else:
            assert all(pixels.shape[2] == 3 for pixels in every)
