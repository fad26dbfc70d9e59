"""Images as OpenCV decodes them, by Pillow: uint8, channels in the order blue, green, red.

Pillow and OpenCV use the same decoders with the same settings, so colours agree to the bit. What
OpenCV computes itself (gray from colour, CMYK, 16 bits to 8) is computed here as it does.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from chainer_ft.caffe.data.extra import extra
from chainer_ft.caffe.data.resize import resize
from chainer_ft.errors import FormatError

if TYPE_CHECKING:
    from PIL.Image import Image

#: What OpenCV reads; Pillow would start other programs for some of the rest.
_FORMATS = ("BMP", "DIB", "JPEG", "JPEG2000", "PNG", "PPM", "SUN", "TIFF", "WEBP")
_ORIENTATION = 0x0112
#: Red, green, blue shares of a gray, and the bits of their fixed point: libpng's and OpenCV's.
_PNG_GRAY = (9797, 19234, 3737, 15, 0)
_CV_GRAY = (4899, 9617, 1868, 14, 1 << 13)
_CV_GRAY_15 = (9798, 19235, 3735, 15, 1 << 14)
_GRAYS = {"PNG": _PNG_GRAY, "WEBP": _CV_GRAY_15}


def read_image(
    path: str | os.PathLike[str], color: bool = True, size: tuple[int, int] | None = None
) -> np.ndarray:
    """An image file as Caffe's ``ReadImageToCVMat`` gives it.

    Args:
        path: The file.
        color: Whether to give three channels; one otherwise.
        size: (height, width) to which it is warped; as it is by default.

    Returns:
        numpy.ndarray: uint8, (channels, height, width).

    Raises:
        FormatError: The file cannot be opened or decoded.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise FormatError(
            f"{name}: cannot be opened: {getattr(error, 'strerror', error)}"
        ) from error
    pixels = decode(data, name, color)
    return pixels if size is None else resize(pixels, *size)


def decode(data: bytes, where: str, color: bool | None = None) -> np.ndarray:
    """An encoded image as OpenCV's ``imdecode`` gives it.

    Args:
        data: The bytes of the image file.
        where: Its name, for messages.
        color: ``True`` for three channels, ``False`` for one; by default as it is stored, with
            an alpha channel as the fourth and without its EXIF rotation, as OpenCV does.

    Returns:
        numpy.ndarray: uint8, (channels, height, width).

    Raises:
        FormatError: It is no image that OpenCV reads, it is damaged, or (as it is stored) it
            has more than eight bits.
    """
    image = _opened(data, where)
    if color is None and _is_deep(image):
        raise FormatError(
            f"{where}: has more than eight bits a channel, which Caffe refuses; set force_color "
            "or force_gray in transform_param, or convert it"
        )
    try:
        if color is False and image.format in ("JPEG", "MPO"):
            image.draft("L", image.size)  # the luma channel, not a gray made of the colours
        image.load()
        pixels = _stored(image) if color is None else _turned(_wanted(image, color), image)
    except Exception as error:  # Pillow raises whatever its decoders stumble over
        raise FormatError(f"{where}: the image is damaged ({error}); save it again") from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _opened(data: bytes, where: str) -> Image:
    pillow = extra("PIL.Image", "Pillow", "an image")
    try:
        opened: Image = pillow.open(io.BytesIO(data), formats=_FORMATS)
    except Exception as error:
        raise FormatError(
            f"{where}: is no image that can be read ({', '.join(_FORMATS)}), or it is damaged"
        ) from error
    return opened


def _is_deep(image: Image) -> bool:
    """Whether a channel has more than eight bits; Pillow hides that of a coloured PNG."""
    hidden = any(";16" in str(part[3]) for part in getattr(image, "tile", ()))
    return hidden or image.mode.startswith("I") or image.mode == "F"


def _stored(image: Image) -> np.ndarray:
    """(height, width, channels) as the file has them."""
    if "A" in image.getbands() or "transparency" in image.info:
        return _bgr(np.asarray(image.convert("RGBA")))
    return _wanted(image, color=image.mode not in ("1", "L"))


def _wanted(image: Image, color: bool) -> np.ndarray:
    """(height, width, 3 or 1)."""
    if image.mode in ("1", "L", "LA") or image.mode.startswith("I"):
        gray = _gray(image)
        return np.repeat(gray, 3, axis=2) if color else gray
    if image.mode == "CMYK":
        rgb = _from_cmyk(np.asarray(image))
    else:
        image.info.pop("transparency", None)  # Pillow warns that it is lost, as it is in OpenCV
        rgb = np.asarray(image.convert("RGB"))
    if color:
        return _bgr(rgb)
    return _weighed(rgb, _GRAYS.get(image.format or "", _CV_GRAY))


def _gray(image: Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return (np.asarray(image) >> 8).astype(np.uint8)[:, :, None]
    single = image.getchannel("L") if image.mode == "LA" else image.convert("L")
    return np.asarray(single)[:, :, None]


def _from_cmyk(cmyk: np.ndarray) -> np.ndarray:
    """OpenCV's own conversion of what the decoder gives it."""
    stored: Any = 255 - cmyk.astype(np.int32)
    key = stored[:, :, 3:]
    rgb: np.ndarray = key - ((255 - stored[:, :, :3]) * key >> 8)
    return rgb.astype(np.uint8)


def _weighed(rgb: np.ndarray, shares: tuple[int, int, int, int, int]) -> np.ndarray:
    red, green, blue = rgb.astype(np.int32).transpose(2, 0, 1)
    r, g, b, bits, half = shares
    gray: np.ndarray = (red * r + green * g + blue * b + half) >> bits
    return gray.astype(np.uint8)[:, :, None]


def _bgr(rgb: np.ndarray) -> np.ndarray:
    """Red and blue exchanged; a fourth channel stays."""
    return rgb[:, :, [2, 1, 0, 3][: rgb.shape[2]]]


def _turned(pixels: np.ndarray, image: Image) -> np.ndarray:
    """Upright, by the EXIF orientation 1 to 8."""
    try:
        turn = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data are no orientation, and no reason to lose the pixels
        turn = 1
    if turn not in range(2, 9):
        return pixels
    if turn >= 5:
        pixels = pixels.transpose(1, 0, 2)
    rows = -1 if turn in (3, 4, 7, 8) else 1
    columns = -1 if turn in (2, 3, 6, 7) else 1
    return pixels[::rows, ::columns]
