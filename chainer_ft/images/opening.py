"""Open images: by their content, and only those of a sane size and a format that runs nothing."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

from chainer_ft.caffe.data.extra import extra
from chainer_ft.errors import FormatError
from chainer_ft.images.picture import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

#: More pixels than this are refused before any is decoded: 300 MB as RGB.
MAX_PIXELS = 100_000_000
#: What is read; for some others Pillow would start other programs.
_FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")


class NoImageError(FormatError):
    """The file is not an image of a format that is read."""


def open_picture(source: str | os.PathLike[str] | bytes, name: str | None = None) -> Picture:
    """Read the header of an image.

    Args:
        source: Path of the file, or its bytes.
        name: What messages call it; the path by default.

    Raises:
        NoImageError: It is no image.
        FormatError: It cannot be opened, is damaged, or larger than :data:`MAX_PIXELS`.

    Example:
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("CMYK", (6, 4)).save(file, "JPEG")
        >>> open_picture(file.getvalue(), "white").pixels().shape
        (4, 6, 3)
    """
    pillow = extra("PIL.Image", "Pillow", "an image", "train")
    if isinstance(source, bytes):
        return Picture(_opened(pillow, source, name or "an image"), name or "an image")
    name = name or os.fspath(source)
    try:
        with open(source, "rb") as file:
            data = file.read()
    except OSError as error:
        raise FormatError(f"{name}: cannot be opened: {error.strerror}") from error
    return Picture(_opened(pillow, data, name), name)


def _opened(pillow: Any, data: bytes, name: str) -> Image:
    if not data:
        raise FormatError(f"{name}: is empty (0 bytes)")
    pillow.init()
    known = [one for one in _FORMATS if one in pillow.OPEN]
    try:
        image: Image = pillow.open(io.BytesIO(data), formats=known)
    except pillow.DecompressionBombError as error:
        raise FormatError(f"{name}: is too large to be a picture ({error})") from error
    except Exception as error:
        raise NoImageError(f"{name}: {_what_it_is(data)}") from error
    if image.width * image.height > MAX_PIXELS:
        raise FormatError(
            f"{name}: has {image.width}x{image.height} pixels, and more than {MAX_PIXELS:,} are "
            "not decoded; shrink it"
        )
    return image


def _what_it_is(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:11] in (b"hei", b"hev", b"mif", b"msf"):
        return "is a HEIC picture, as iPhones take them; save it as JPEG"
    if data.startswith(b"version https://git-lfs"):
        return "is a git-lfs pointer and not the image; run `git lfs pull`"
    return "is no image that is read (JPEG, PNG, GIF, BMP, TIFF, WebP), or it is damaged"
