"""Pictures of every mode, turn and state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torture
from PIL import Image

from chainer_ft.errors import FormatError
from chainer_ft.images import Picture, open_picture
from chainer_ft.images.opening import NoImageError
from chainer_ft.images.picture import quiet

GREY = ("grey", "one_bit", "floats")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    torture.write_good(folder)
    return folder


def names() -> list[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return torture.write_good(Path(folder))


@pytest.mark.parametrize("name", names())
def test_every_odd_image_is_upright_rgb_of_eight_bits(good: Path, name: str) -> None:
    with quiet():
        picture = open_picture(good / name)
        pixels = picture.pixels()
    assert picture.size == (torture.WIDE, torture.HIGH)
    assert pixels.dtype == np.uint8
    if name.startswith(GREY):
        wanted = torture.ramp()[..., None] if "one_bit" not in name else _bits()
        tolerance = 1
    else:
        wanted = torture.pattern()
        tolerance = 60 if "jp" in name or "JP" in name else 2
    inner = np.abs(pixels.astype(int) - wanted)[6:-2, [2, 3, -4, -3]]
    assert inner.max() <= tolerance


def _bits() -> np.ndarray:
    return np.where(torture.ramp() > 127, 255, 0)[..., None]


def test_what_is_transparent_shows_white(tmp_path: Path) -> None:
    layers = np.zeros((2, 2, 4), np.uint8)
    layers[0, 0] = (10, 20, 30, 255)
    layers[1, 1] = (0, 0, 0, 51)
    Image.fromarray(layers).save(tmp_path / "clear.png")
    pixels = open_picture(tmp_path / "clear.png").pixels()
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[0, 1].tolist() == [255, 255, 255]
    assert pixels[1, 1].tolist() == [204, 204, 204]


def test_every_broken_image_says_why(tmp_path: Path) -> None:
    for name, word in torture.write_broken(tmp_path).items():
        path = tmp_path / name
        with pytest.raises(FormatError, match=word) as caught, quiet():
            open_picture(path).check()
        assert str(caught.value).startswith(f"{path}: ")


def test_too_large_is_told_by_the_header(tmp_path: Path) -> None:
    """The body holds next to nothing: decoding it would say that it is damaged."""
    (tmp_path / "large.png").write_bytes(torture.bomb(12_000, 10_000))
    with pytest.raises(FormatError, match=r"12000x10000 pixels.* shrink it"), quiet():
        open_picture(tmp_path / "large.png")


def test_no_image_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(NoImageError):
        open_picture(tmp_path / "notes.txt")


class TestCut:
    def test_a_part_at_its_own_size_is_the_part(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
        cut = Picture.of(pixels, "noise").cut((3, 5, 13, 17), (10, 12))
        np.testing.assert_array_equal(np.asarray(cut), pixels[5:17, 3:13])

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_of_a_turned_jpeg_is_that_of_the_upright(
        self, tmp_path: Path, orientation: int
    ) -> None:
        image, exif = torture.turned(orientation)
        large = image.resize((image.width * 32, image.height * 32), Image.Resampling.NEAREST)
        large.save(tmp_path / "large.jpg", exif=exif, quality=95)
        picture = open_picture(tmp_path / "large.jpg")
        assert picture.size == (24 * 32, 16 * 32)
        right = np.asarray(picture.cut((16 * 32, 8 * 32, 24 * 32, 16 * 32), (8, 8)))
        assert np.abs(right.astype(int) - torture.COLOURS["right"]).max() <= 4

    def test_coarse_decoding_comes_close_to_the_full_one(self, shared: Path) -> None:
        path = shared / "data/datasets/sign_language_digits/7/IMG_5874.JPG"
        picture = open_picture(path)
        box = (0, 0, *picture.size)
        assert picture.size == (3024, 3024)
        coarse = np.asarray(picture.cut(box, (64, 64))).astype(float)
        whole = Image.fromarray(open_picture(path).pixels())
        fine = np.asarray(whole.resize((64, 64), Image.Resampling.BILINEAR)).astype(float)
        assert np.abs(coarse - fine).mean() < 1.5
