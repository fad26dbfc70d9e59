"""One picture, decoded when its pixels are asked for: upright, RGB, eight bits a channel."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from chainer_ft.caffe.data.extra import extra
from chainer_ft.errors import FormatError
from chainer_ft.images.modes import to_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

Box = tuple[float, float, float, float]

_ORIENTATION = 0x0112
_TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF to Pillow's Transpose
#: A picture is shrunk coarsely (by the JPEG decoder, by whole factors) down to this many times
#: the wanted size, and finely from there: the result differs by less than one can see.
_MARGIN = 2.0


class Picture:
    """An image whose header has been read.

    Args:
        image: Pillow's image.
        name: What messages call it.

    Example:
        >>> picture = Picture.of(np.zeros((4, 6, 3), np.uint8), "black")
        >>> picture.size, picture.pixels().shape
        ((6, 4), (4, 6, 3))
    """

    def __init__(self, image: Image, name: str) -> None:
        self.name, self._image = name, image
        with decoding(name):
            if image.format not in ("JPEG", "MPO"):  # only a JPEG can be decoded at less than all
                image.load()
            self._turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
        width, height = image.size
        is_lying = self._turn is not None and self._turn in (2, 4, 5, 6)
        self._size = (height, width) if is_lying else (width, height)

    @classmethod
    def of(cls, pixels: np.ndarray, name: str) -> Picture:
        """The picture of an array.

        Args:
            pixels: uint8, (height, width, 3), RGB.
            name: What messages call it.
        """
        pillow = extra("PIL.Image", "Pillow", "an image", "train")
        return cls(pillow.fromarray(np.ascontiguousarray(pixels)), name)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, upright."""
        return self._size

    def cut(self, box: Box, size: tuple[int, int], interpolation: str = "bilinear") -> Image:
        """A part of the picture at another size.

        Args:
            box: Left, top, right, bottom in pixels of the upright picture; need not be whole.
            size: Width and height of the result.
            interpolation: Name of one of Pillow's filters.

        Returns:
            PIL.Image.Image: RGB.

        Raises:
            FormatError: The image is damaged.
        """
        filters = extra("PIL.Image", "Pillow", "an image", "train").Resampling
        shrink = min((box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]) / _MARGIN
        is_smooth = interpolation != "nearest"
        image = self._upright(shrink if is_smooth else 1.0)
        part = _scaled(box, self._size, image.size)
        gap = _MARGIN if is_smooth else None
        return image.resize(size, filters[interpolation.upper()], part, gap)

    def pixels(self) -> np.ndarray:
        """All of it: uint8, (height, width, 3), RGB.

        Raises:
            FormatError: The image is damaged.
        """
        return np.asarray(self._upright(1.0))

    def check(self) -> None:
        """Decode it as coarsely as the format allows, to see that it is whole.

        Raises:
            FormatError: It is damaged.
        """
        self._upright(float(max(self._size)))

    def _upright(self, shrink: float) -> Image:
        """RGB, at most ``shrink`` times smaller than it is stored."""
        with decoding(self.name):
            if shrink > 1 and hasattr(self._image, "draft"):
                width, height = self._image.size
                self._image.draft(None, (int(width / shrink) or 1, int(height / shrink) or 1))
            self._image.load()
            upright = self._image
            if self._turn is not None:
                upright = upright.transpose(self._turn)  # type: ignore[arg-type]
            return to_rgb(upright)


def middle(size: tuple[int, int], across: float | None, share: float) -> Box:
    """The middle of a picture.

    Args:
        size: Its width and height.
        across: Width by height of the part; ``None`` for that of the picture.
        share: Of the longest sides that fit.

    Example:
        >>> middle((40, 20), None, 0.5), middle((40, 20), 1.0, 1.0)
        ((10.0, 5.0, 30.0, 15.0), (10.0, 0.0, 30.0, 20.0))
    """
    width, height = float(size[0]), float(size[1])
    if across is not None:
        width, height = min(width, height * across), min(height, width / across)
    width, height = width * share, height * share
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return (left, top, left + width, top + height)


def _scaled(box: Box, old: tuple[int, int], new: tuple[int, int]) -> Box:
    """A box in an image of another size, within it in spite of rounding."""
    across, down = new[0] / old[0], new[1] / old[1]
    left, top = max(box[0] * across, 0.0), max(box[1] * down, 0.0)
    return left, top, min(box[2] * across, new[0]), min(box[3] * down, new[1])


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Say which image it is that Pillow stumbles over, whatever it raises."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error
    except Exception as error:
        raise FormatError(f"{name}: the image is damaged ({error})") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings about metadata and sizes. Not for several threads at once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
