"""Writes a .caffemodel as large as VGG-19 (575 MB): its layers, its shapes, random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np

CONVOLUTION, INNER_PRODUCT, RELU = 4, 14, 18  # LayerType of V1LayerParameter
_CONVS = ((1, 64, 2), (2, 128, 2), (3, 256, 4), (4, 512, 4), (5, 512, 4))
Layer = tuple[str, int, tuple[int, ...]]


def layers(shrink: int = 1) -> Iterator[Layer]:
    """Name, type and weight shape of each layer with weights.

    Args:
        shrink: Divides every width, for a file that is quick to write.
    """
    width = 3
    for stage, channels, count in _CONVS:
        for number in range(1, count + 1):
            out = channels // shrink
            yield f"conv{stage}_{number}", CONVOLUTION, (out, width, 3, 3)
            width = out
    sizes = (width * 49, 4096 // shrink, 4096 // shrink, 1000 // shrink)
    for name, before, after in zip(("fc6", "fc7", "fc8"), sizes, sizes[1:], strict=False):
        yield name, INNER_PRODUCT, (1, 1, after, before)


def write(path: Path, shrink: int = 1) -> int:
    """Write the file, in the layout of 2014 (V1 layers, four legacy sizes a blob).

    Args:
        path: The new file.
        shrink: See :func:`layers`.

    Returns:
        int: Its size in bytes.
    """
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(_field(1, b"VGG_ILSVRC_19_layers"))
        for name, kind, shape in layers(shrink):
            weight = rng.standard_normal(prod(shape), np.float32) * np.float32(0.01)
            bias = np.zeros(shape[0] if kind == CONVOLUTION else shape[2], np.float32)
            blobs = _blob(shape, weight) + _blob((1, 1, 1, len(bias)), bias)
            file.write(_layer(name, kind, _settings(kind, len(bias)) + blobs))
            if name != "fc8":
                file.write(_layer(f"relu_{name}", RELU))
        return file.tell()


def _layer(name: str, kind: int, rest: bytes = b"") -> bytes:
    """A V1LayerParameter with one bottom and one top."""
    ends = _field(2, b"data") + _field(3, name.encode())
    return _field(2, ends + _field(4, name.encode()) + _number(5, kind) + rest)


def _settings(kind: int, out: int) -> bytes:
    """convolution_param or inner_product_param, without which CaffeFunction cannot read it."""
    if kind == INNER_PRODUCT:
        return _field(17, _number(1, out))
    return _field(10, _number(1, out) + _number(3, 1) + _number(4, 3))


def _blob(shape: tuple[int, ...], numbers: np.ndarray) -> bytes:
    sizes = b"".join(_number(i + 1, n) for i, n in enumerate(shape))
    return _field(6, sizes + _field(5, numbers.tobytes()))


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
