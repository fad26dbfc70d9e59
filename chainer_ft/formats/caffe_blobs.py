"""Caffe's BlobProto: a shape, and where its numbers lie in the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from chainer_ft.formats.mapped import MappedFile, fresh
from chainer_ft.formats.wire import BYTES, FIXED32, FIXED64, VARINT, Record, Wire, signed
from chainer_ft.types.source import BLOCK_BYTES

LEGACY_DIMS = (1, 2, 3, 4)
DATA, SHAPE, DOUBLE_DATA = 5, 7, 8
_COST = 4  # of a blob, in records
# Caffe's own limit for the axes of a blob, and more numbers than its 2 GB files can hold.
_MAX_AXES, _MAX_COUNT = 32, 1 << 40


@dataclass(frozen=True)
class Run:
    """Equally spaced numbers: ``count`` of them, ``stride`` bytes apart."""

    start: int
    count: int
    stride: int


@dataclass(frozen=True)
class FileBlob:
    """A BlobProto of a protobuf file.

    Args:
        file: The file.
        shape: As stored, four numbers in a legacy blob.
        dtype: Little-endian float32 or float64.
        runs: Where the numbers are, in order.
        is_legacy: Whether the shape is stored as four numbers of their own.
    """

    file: MappedFile
    shape: tuple[int, ...]
    dtype: np.dtype
    runs: tuple[Run, ...]
    is_legacy: bool = False

    def read(self) -> np.ndarray:
        """All numbers, flat, straight from the file into a fresh array."""
        array = fresh((sum(run.count for run in self.runs),), self.dtype)
        done = 0
        for run in self.runs:
            self._fill(array[done : done + run.count], run)
            done += run.count
        return array

    def blocks(self) -> Iterator[np.ndarray]:
        """Pieces in one buffer that is used again."""
        most = BLOCK_BYTES // self.dtype.itemsize
        buffer = np.empty(min(most, prod(self.shape)), self.dtype)
        for run in self.runs:
            for first in range(0, run.count, most):
                count = min(most, run.count - first)
                part = Run(run.start + first * run.stride, count, run.stride)
                self._fill(buffer[:count], part)
                yield buffer[:count]

    def _fill(self, array: np.ndarray, run: Run) -> None:
        if run.stride == self.dtype.itemsize:
            self.file.read_into(array, run.start)
        else:
            view = self.file.view
            array[:] = np.ndarray(array.shape, self.dtype, view, run.start, (run.stride,))


def parse_blob(file: MappedFile, wire: Wire, spans: Sequence[Record], what: str) -> FileBlob:
    """Read shape and extent of a BlobProto.

    Raises:
        FormatError: The numbers are not as many as the shape says, or the shape is none.
    """
    offset = spans[0].start
    wire.spend(_COST, offset)
    fields = wire.fields(spans, what)
    doubles = _runs(wire, fields.get(DOUBLE_DATA, ()), FIXED64, 8, what)
    floats = _runs(wire, fields.get(DATA, ()), FIXED32, 4, what)
    shape = _shape(wire, fields, what)
    _check_shape(wire, shape, what, offset)
    runs = doubles or floats
    count = sum(run.count for run in runs)
    if count != prod(shape):
        wire.fail(what, f"shape {shape} is {prod(shape)} numbers, but {count} are stored,", offset)
    is_legacy = any(r.wire == VARINT for n in LEGACY_DIMS for r in fields.get(n, ()))
    return FileBlob(file, shape, np.dtype("<f8" if doubles else "<f4"), runs, is_legacy)


def _runs(
    wire: Wire, records: Sequence[Record], single: int, width: int, what: str
) -> tuple[Run, ...]:
    """Packed and unpacked numbers of one field, in file order."""
    runs = []
    for record in records:
        size = record.end - record.start
        if record.wire == single:
            runs.append(
                Run(record.start, record.repeats, width + 1 if record.repeats > 1 else width)
            )
        elif record.wire == BYTES and size % width:
            wire.fail(what, f"{size} bytes are no whole number of floats", record.start)
        elif record.wire == BYTES and size:
            runs.append(Run(record.start, size // width, width))
    return tuple(runs)


def _shape(wire: Wire, fields: dict[int, list[Record]], what: str) -> tuple[int, ...]:
    """Any legacy number that is present, even 0, makes the shape a legacy one (Caffe's rule)."""
    last = [[r.value for r in fields.get(n, ()) if r.wire == VARINT][-1:] for n in LEGACY_DIMS]
    if any(last):
        return tuple(signed(value[0], 32) if value else 0 for value in last)
    dims: list[int] = []
    for record in (r for shape in fields.get(SHAPE, ()) for r in _dims(wire, shape, what)):
        dims.append(signed(record, 64))
        if len(dims) > _MAX_AXES:
            wire.fail(what, f"a shape of more than {_MAX_AXES} axes", fields[SHAPE][0].start)
    return tuple(dims)


def _dims(wire: Wire, shape: Record, what: str) -> Iterator[int]:
    if shape.wire != BYTES:
        return
    for record in wire.records(shape.start, shape.end, what):
        if record.field == 1 and record.wire == VARINT:
            yield record.value
        elif record.field == 1 and record.wire == BYTES:
            at = record.start
            while at < record.end:
                value, at = wire.varint(at, record.end, what)
                yield value


def _check_shape(wire: Wire, shape: tuple[int, ...], what: str, offset: int) -> None:
    if any(n < 0 for n in shape):
        wire.fail(what, f"negative size in shape {shape}", offset)
    if prod(n for n in shape if n) > _MAX_COUNT:
        wire.fail(what, f"shape {shape} is more than any Caffe file holds,", offset)
