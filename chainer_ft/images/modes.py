"""Pillow's modes of images as RGB of eight bits: grey, palettes, alpha, 16 bits, CMYK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainer_ft.errors import FormatError

if TYPE_CHECKING:
    from PIL.Image import Image


def to_rgb(image: Image) -> Image:
    """An image as RGB.

    What is transparent shows white, as on a page. 16 bits give their upper 8. Floating-point
    numbers are brightness from 0 to 1, or from 0 to 255.

    Raises:
        FormatError: Its numbers are no brightness.

    Example:
        >>> from PIL import Image
        >>> deep = Image.fromarray(np.array([[0, 65535]], np.uint16))
        >>> to_rgb(deep).getpixel((1, 0)), to_rgb(Image.new("RGBA", (1, 1))).getpixel((0, 0))
        ((255, 255, 255), (255, 255, 255))
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _grey(to_bytes(np.asarray(image), bits=16))
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def to_bytes(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """Numbers that are brightness as uint8.

    Args:
        values: uint8 as they are; other integers of ``bits`` bits; floats from 0 to 1 or to 255.
        bits: Of integers that are no bytes.

    Raises:
        FormatError: They are none of these.

    Example:
        >>> to_bytes(np.array([0.0, 0.5, 1.0])), to_bytes(np.array([0, 300]), bits=16)
        (array([  0, 128, 255], dtype=uint8), array([0, 1], dtype=uint8))
    """
    if values.dtype == np.uint8 or not values.size:
        return values.astype(np.uint8, copy=False)
    low, high = values.min(), values.max()
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "f" and low >= 0 and high <= 255:
        return np.rint(values * (255.0 if high <= 1 else 1.0)).astype(np.uint8)
    if values.dtype.kind in "iu" and low >= 0 and high < 1 << bits:
        return (values >> (bits - 8)).astype(np.uint8)
    raise FormatError(
        f"holds numbers from {low:g} to {high:g} ({values.dtype}), which are no brightness from 0 "
        f"to 1, to 255{' or to 65535' if bits == 16 else ''}; save it as it was before it was "
        "normalised"
    )


def _grey(values: np.ndarray) -> Image:
    from PIL import Image

    return Image.fromarray(values).convert("RGB")


def _on_white(image: Image) -> Image:
    from PIL import Image

    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), layer).convert("RGB")
