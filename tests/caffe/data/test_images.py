"""Images: what is particular to a kind; their pixels against OpenCV's are in test_golden.py."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainer_ft.caffe.data.images import decode, read_image
from chainer_ft.errors import FormatError

RGB = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("form", ["PNG", "BMP", "PPM", "TIFF", "WEBP"])
def test_lossless_kinds(form: str) -> None:
    data = saved(Image.fromarray(RGB), form, **({"lossless": True} if form == "WEBP" else {}))
    bgr = RGB.transpose(2, 0, 1)[::-1]
    np.testing.assert_array_equal(decode(data, "it", color=True), bgr)
    np.testing.assert_array_equal(decode(data, "it"), bgr)
    exact = (0.299 * RGB[..., 0] + 0.587 * RGB[..., 1] + 0.114 * RGB[..., 2])[None]
    assert abs(decode(data, "it", color=False) - exact).max() < 1.01


@pytest.mark.parametrize(
    "turn, moved",
    [
        (1, lambda a: a), (2, np.fliplr), (3, lambda a: np.rot90(a, 2)), (4, np.flipud),
        (5, lambda a: a.transpose(1, 0, 2)), (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)), (8, np.rot90), (9, lambda a: a),
    ],
)  # fmt: skip
def test_rotation_is_obeyed_unless_decoded_as_stored(turn: int, moved) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    data = saved(Image.fromarray(RGB), "PNG", exif=exif)
    turned = decode(data, "it", color=True)[::-1].transpose(1, 2, 0)
    np.testing.assert_array_equal(turned, moved(RGB))
    np.testing.assert_array_equal(decode(data, "it")[::-1].transpose(1, 2, 0), RGB)


def test_sixteen_bits_lose_the_low_byte() -> None:
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    image = decode(saved(Image.fromarray(deep), "PNG"), "it", color=False)
    np.testing.assert_array_equal(image, [[[0, 0, 1, 255]]])


def test_a_palette_with_transparency_loses_it() -> None:
    palette = Image.fromarray(RGB).quantize(8)
    data = saved(palette, "PNG", transparency=bytes([0, 128, 255]))
    rgb = np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(decode(data, "it", color=True), rgb[::-1])
    assert decode(data, "it").shape == (4, 6, 4)


def test_damaged_exif_data_are_no_rotation() -> None:
    data = saved(Image.fromarray(RGB), "PNG", exif=b"Exif\0\0MM\0*\0\0\xff\xff")
    np.testing.assert_array_equal(decode(data, "it", color=True)[::-1].transpose(1, 2, 0), RGB)


@pytest.mark.parametrize("form", ["GIF", "ICO"])
def test_what_opencv_does_not_read_is_refused(form: str) -> None:
    with pytest.raises(FormatError, match="it: is no image that can be read"):
        decode(saved(Image.fromarray(RGB), form), "it")


def test_postscript_is_not_run() -> None:
    """Pillow would hand it to Ghostscript."""
    with pytest.raises(FormatError, match="is no image"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "it")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none\.png: cannot be opened"):
        read_image(tmp_path / "none.png")
