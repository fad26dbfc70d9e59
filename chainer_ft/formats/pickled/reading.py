"""Numbers of an array out of the stream, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.formats.mapped import MappedFile, fresh
from chainer_ft.formats.pickled.arrays import ArrayRef
from chainer_ft.formats.pickled.strings import pieces
from chainer_ft.types.source import BLOCK_BYTES


def whole_array(file: MappedFile, ref: ArrayRef, where: str) -> np.ndarray:
    """An array of the caller's own.

    Args:
        file: The stream.
        ref: The array in it.
        where: For messages.

    Raises:
        FormatError: The stream holds other bytes than the shape needs.
    """
    order: Literal["F", "C"] = "F" if ref.fortran else "C"
    stored = fresh((ref.nbytes,), np.dtype(np.uint8))  # not every dtype may be viewed as a buffer
    array = stored.view(ref.dtype).reshape(ref.shape, order=order)
    if ref.is_plain and ref.raw is not None:
        file.read_into(stored, ref.raw.start)
        return array
    flat = stored.view(ref.dtype)
    done = 0
    for block in blocks(file, ref, where):
        flat[done : done + block.size] = block
        done += block.size
    return array


def blocks(file: MappedFile, ref: ArrayRef, where: str) -> Iterator[np.ndarray]:
    """Flat pieces of an array, in the order of the stream.

    A piece is valid until the next one is asked for. Arguments as in :func:`whole_array`.
    """
    if ref.nbytes == 0 or ref.raw is None:
        return
    left = ref.nbytes
    for block in _direct(file, ref) if ref.is_plain else _decoded(file, ref, where):
        left -= block.nbytes
        if left < 0:
            break
        yield block
    if left:
        raise FormatError(f"{where}: its bytes are not the {ref.nbytes} that its shape needs")


def _direct(file: MappedFile, ref: ArrayRef) -> Iterator[np.ndarray]:
    assert ref.raw is not None
    itemsize = ref.dtype.itemsize
    step = max(BLOCK_BYTES // itemsize, 1) * itemsize
    buffer = np.empty(min(step, ref.nbytes), np.uint8)
    for start in range(ref.raw.start, ref.raw.end, step):
        block = buffer[: min(step, ref.raw.end - start)]
        file.read_into(block, start)
        yield block.view(ref.dtype)


def _decoded(file: MappedFile, ref: ArrayRef, where: str) -> Iterator[np.ndarray]:
    """Decoded pieces, cut to whole numbers."""
    assert ref.raw is not None
    itemsize, kept = ref.dtype.itemsize, b""
    for piece in pieces(file.stream, ref.raw, ref.as_latin1, where):
        joined = kept + piece if kept else piece
        count = len(joined) // itemsize
        kept = joined[count * itemsize :]
        if count:
            yield np.frombuffer(joined, ref.dtype, count)
    if kept:
        raise FormatError(f"{where}: its bytes end inside a number")
