"""Where a box of an image comes to lie in a crop, with context around it, as R-CNN has it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Warp(NamedTuple):
    """What of an image goes where in a crop.

    Attributes:
        x1: Left of the part of the image; the others as in ``Window``.
        y1: Top.
        x2: Right.
        y2: Bottom.
        width: Of the part in the crop.
        height: The same.
        left: Where it begins in the crop.
        top: The same.
    """

    x1: int
    y1: int
    x2: int
    y2: int
    width: int
    height: int
    left: int = 0
    top: int = 0


def warp_of(
    box: tuple[int, int, int, int], shape: tuple[int, int], crop: int, pad: int,
    square: bool, flip: bool,
) -> Warp:  # fmt: skip
    """Enlarge a box by its context, clip it to the image, and place what is left.

    Args:
        box: Left, top, right, bottom.
        shape: Height and width of the image.
        crop: Side of the crop.
        pad: Pixels of context on each side of the crop.
        square: Whether the box is made square first.
        flip: Whether the crop is to be mirrored.

    Example:
        >>> warp_of((0, 0, 9, 9), (20, 20), 16, 4, False, False)
        Warp(x1=0, y1=0, x2=15, y2=15, width=12, height=12, left=4, top=4)
    """
    if not pad and not square:
        return Warp(*box, crop, crop)
    (x1, x2), (y1, y2) = _enlarged(box, crop, pad, square)
    columns, rows = (
        _placed(first, last, length, crop)
        for first, last, length in ((x1, x2, shape[1]), (y1, y2, shape[0]))
    )
    left = columns[3] if flip else columns[2]
    width, height = min(columns[4], crop - left), min(rows[4], crop - rows[2])
    return Warp(columns[0], rows[0], columns[1], rows[1], width, height, left, rows[2])


def _enlarged(
    box: tuple[int, int, int, int], crop: int, pad: int, square: bool
) -> list[tuple[int, int]]:
    """First and last pixel, across and down."""
    scale = np.float32(crop) / np.float32(crop - 2 * pad)
    halves = [np.float32(box[i + 2] - box[i] + 1) / np.float32(2) for i in (0, 1)]
    centres = [np.float32(box[i]) + halves[i] for i in (0, 1)]
    if square:
        halves = [max(halves)] * 2
    spans = zip(centres, halves, strict=True)
    return [
        (_round(centre - half * scale), _round(centre + half * scale)) for centre, half in spans
    ]


def _placed(first: int, last: int, length: int, crop: int) -> tuple[int, int, int, int, int]:
    """On one axis: clipped ends in the image, room before and after in the crop, size there."""
    before, after = max(0, -first), max(0, last - length + 1)
    scale = np.float32(crop) / np.float32(last - first + 1)
    first, last = first + before, last - after
    size = _round(np.float32(last - first + 1) * scale)
    room = [_round(np.float32(outside) * scale) for outside in (before, after)]
    return first, last, room[0], room[1], size


def _round(value: np.floating) -> int:
    """As in C: halves away from zero."""
    return int(np.copysign(np.floor(abs(float(value)) + 0.5), value))
