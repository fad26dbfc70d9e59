"""OpenCV's bilinear resize, to the bit: integer weights, no smoothing where it shrinks."""

from __future__ import annotations

import numpy as np

_ONE = 2048


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Warp an image as ``cv2.resize`` with ``INTER_LINEAR`` does.

    Every output pixel mixes the two by two input pixels about its centre, in fixed point with
    11 bits, however much the image shrinks.

    Args:
        pixels: uint8, (channels, height, width).
        height: New height.
        width: New width.

    Returns:
        numpy.ndarray: uint8, (channels, ``height``, ``width``).

    Example:
        >>> resize(np.array([[[0, 100]]], np.uint8), 1, 4)
        array([[[  0,  25,  75, 100]]], dtype=uint8)
    """
    if pixels.shape[1:] == (height, width):
        return pixels
    left, share = _places(pixels.shape[2], width, clamp=True)
    right = np.minimum(left + 1, pixels.shape[2] - 1)
    wide = pixels.astype(np.int32)
    rows = wide[:, :, left] * _weight(1 - share) + wide[:, :, right] * _weight(share)
    above, share = _places(pixels.shape[1], height, clamp=False)
    last = pixels.shape[1] - 1
    top = rows[:, np.clip(above, 0, last)] >> 4
    bottom = rows[:, np.clip(above + 1, 0, last)] >> 4
    mixed = (_weight(1 - share)[:, None] * top >> 16) + (_weight(share)[:, None] * bottom >> 16)
    out: np.ndarray = np.clip((mixed + 2) >> 2, 0, 255)
    return out.astype(np.uint8)


def _places(old: int, new: int, clamp: bool) -> tuple[np.ndarray, np.ndarray]:
    """For each new place, the old one before it, and how far on from there it lies."""
    exact = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    place = np.floor(exact).astype(np.int64)
    share = exact - place.astype(np.float32)
    if clamp:  # OpenCV clamps the weights of columns, but only the indices of rows
        share[(place < 0) | (place >= old - 1)] = 0
        place = np.clip(place, 0, old - 1)
    return place, share


def _weight(share: np.ndarray) -> np.ndarray:
    return np.rint(share * np.float32(_ONE)).astype(np.int32)
