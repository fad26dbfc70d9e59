"""The layer ``HDF5Data``: rows of datasets, from files that a text file lists."""

from __future__ import annotations

import os
from itertools import pairwise

import numpy as np

from chainer_ft.caffe.data.draws import Draws
from chainer_ft.caffe.data.options import Options, needed
from chainer_ft.caffe.data.source import Batch, BatchSource
from chainer_ft.caffe.message import Message
from chainer_ft.errors import FormatError, UsageError
from chainer_ft.formats import h5
from chainer_ft.formats.unopened import unopened


class Hdf5DataSource(BatchSource):
    """Batches of an ``HDF5Data`` layer, across the ends of files.

    Args:
        layer: The layer; its tops name the datasets.
        options: Phase, seed, folder.

    Raises:
        FormatError: A file lacks a dataset, or its datasets do not fit together.
        UsageError: The layer has a ``transform_param``, which Caffe refuses too.
    """

    def __init__(self, layer: Message, options: Options) -> None:
        if layer.has("transform_param"):
            raise UsageError(
                f"{layer.where('transform_param')}: layer {layer.name!r}: HDF5Data does not "
                "transform; write transformed numbers into the file"
            )
        param = layer.hdf5_data_param
        self._tops, self._size = list(layer.top), needed(layer, param, "batch_size")
        source = os.path.join(options.root, needed(layer, param, "source"))
        self._files = [os.path.join(options.root, name) for name in _names(source)]
        shapes = [_shapes(file, self._tops) for file in self._files]
        _check_rows(self._files, shapes, self._tops)
        self._counts = [shape[0][0] for shape in shapes]
        self._order = _Order(self._counts, options.draws(layer.name) if param.shuffle else None)
        self._loaded: tuple[int, Batch] = (-1, ())

    def batch(self, index: int) -> Batch:
        pieces, place, end = [], index * self._size, (index + 1) * self._size
        while place < end:
            file, rows = self._order.rows(place, end - place)
            pieces.append([array[rows] for array in self._load(file)])
            place += len(rows)
        return tuple(np.concatenate(parts) for parts in zip(*pieces, strict=True))

    def _load(self, number: int) -> Batch:
        if self._loaded[0] != number:
            self._loaded = (-1, ())  # not two files in memory at once
            self._loaded = (number, _read(self._files[number], self._tops))
        return self._loaded[1]


class _Order:
    """Which rows of which file come when; shuffled, the files and the rows inside each."""

    def __init__(self, counts: list[int], draws: Draws | None) -> None:
        self._counts, self._draws = counts, draws

    def rows(self, place: int, most: int) -> tuple[int, np.ndarray]:
        """The file of a place, and rows of it from there on, at most ``most``."""
        epoch, rest = divmod(place, sum(self._counts))
        for file in self._files(epoch):
            if rest < self._counts[file]:
                return file, self._rows_of(file, epoch)[rest : rest + most]
            rest -= self._counts[file]
        raise AssertionError("a place beyond the sum of all files")

    def _files(self, epoch: int) -> list[int]:
        count = len(self._counts)
        return list(
            range(count) if self._draws is None else self._draws.order(count, "files", epoch)
        )

    def _rows_of(self, file: int, epoch: int) -> np.ndarray:
        if self._draws is None:
            return np.arange(self._counts[file])
        return self._draws.order(self._counts[file], f"rows/{file}", epoch)


def _names(source: str) -> list[str]:
    try:
        with open(source, encoding="utf-8", errors="surrogateescape") as file:
            names = file.read().split()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise unopened(source, error) from error
    if not names:
        raise FormatError(f"{source}: lists no HDF5 files; write their paths into it")
    return names


def _shapes(path: str, tops: list[str]) -> list[tuple[int, ...]]:
    """The shapes of the datasets in one file."""
    with h5.open_file(path) as file, h5.guarded(path):
        shapes = [tuple(_dataset(file, top, path).shape) for top in tops]
    for top, shape in zip(tops, shapes, strict=True):
        if not shape or not shape[0] or shape[0] != shapes[0][0]:
            raise FormatError(
                f"{path}: dataset {top!r} has the shape {shape} and {tops[0]!r} {shapes[0]}; the "
                "first axis counts the rows of both"
            )
    return shapes


def _dataset(file, top: str, path: str):  # type: ignore[no-untyped-def]  # h5py has no types
    if top not in file or not hasattr(file[top], "shape") or file[top].dtype.kind not in "fiub":
        known = ", ".join(sorted(file)) or "nothing"
        raise FormatError(
            f"{path}: holds no dataset of numbers {top!r} for the top of that name, but: {known}"
        )
    return file[top]


def _read(path: str, tops: list[str]) -> Batch:
    with h5.open_file(path) as file:
        return tuple(
            h5.checked_read(_dataset(file, top, path), path).astype(np.float32, copy=False)
            for top in tops
        )


def _check_rows(files: list[str], shapes: list[list[tuple[int, ...]]], tops: list[str]) -> None:
    """A row of a dataset has one shape in all files."""
    for (one, first), (other, second) in pairwise(zip(files, shapes, strict=True)):
        for top, before, after in zip(tops, first, second, strict=True):
            if before[1:] != after[1:]:
                raise FormatError(
                    f"{other}: dataset {top!r} has the shape {after}, and {before} in {one}"
                )
