"""The ``.weights`` format: a magic, the length of a JSON header, the header, float32 numbers.

The header is an object of path and shape, ``{"conv1/W": [64, 3, 3, 3]}``; the numbers follow
in the header's order, little-endian.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.types import Entry, Listing, Saver, Source, SourceLoader

MAGIC = b"WEIGHTS1"
START = len(MAGIC) + 4
DTYPE = np.dtype("<f4")


def detect(head: bytes, path: str) -> float:
    """Whether the file begins with the magic."""
    return 1.0 if head.startswith(MAGIC) else 0.0


class WeightsSource(Source):
    """An opened ``.weights`` file.

    Args:
        path: The file.

    Raises:
        FormatError: It is damaged.
    """

    format = "weights"

    def __init__(self, path: str) -> None:
        self.name = path
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(START)[len(MAGIC) :], "little")
            shapes = _parse(file.read(length), path)
        self._offsets, end = {}, START + length
        for name, shape in shapes.items():
            self._offsets[name] = end
            end += prod(shape) * DTYPE.itemsize
        size = Path(path).stat().st_size
        if size != end:
            raise TruncatedError(f"{path}: has {size} bytes where its header asks for {end}")
        self._listing = Listing(tuple(Entry(n, s, DTYPE) for n, s in shapes.items()), path)

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        entry = self.listing[path]
        array = np.fromfile(self.name, DTYPE, entry.size, offset=self._offsets[path])
        return array.reshape(entry.shape)


def _parse(text: bytes, path: str) -> dict[str, tuple[int, ...]]:
    try:
        header = {f"/{name}": tuple(map(int, shape)) for name, shape in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise FormatError(f"{path}: the header is no JSON object of shapes") from error
    if any(size < 0 for shape in header.values() for size in shape):
        raise FormatError(f"{path}: the header has a negative size")
    return header


def save(path: str, source: Source, *, provenance: Any = None, compress: bool = False) -> None:
    """Write everything in ``source``; the format has no place for provenance."""
    entries = [entry for entry in source.listing if entry.shape is not None]
    header = json.dumps({entry.path[1:]: entry.shape for entry in entries}).encode()
    with open(path, "wb") as file:
        file.write(MAGIC + len(header).to_bytes(4, "little") + header)
        for entry in entries:
            if entry.dtype != DTYPE:
                raise FormatError(
                    f"{entry.path} is {entry.dtype}; .weights files hold float32 only"
                )
            for block in source.blocks(entry.path):
                file.write(block.tobytes())


LOADER = SourceLoader(
    "weights", "JSON header and float32 numbers", (".weights",), detect, WeightsSource
)
SAVER = Saver("weights", "JSON header and float32 numbers", (".weights",), save)
