"""The layer ``Data``: images from an LMDB or a LevelDB."""

from __future__ import annotations

import os

import numpy as np

from chainer_ft.caffe.data.cursor import Cursor, open_database
from chainer_ft.caffe.data.datum import datum_pixels, read_datum
from chainer_ft.caffe.data.options import Options, needed
from chainer_ft.caffe.data.source import Batch, BatchSource, Stack
from chainer_ft.caffe.data.transform import read_transform
from chainer_ft.caffe.message import Message

_RESTART = ("data_layer.cpp:90", "Restarting data prefetching from start.")


class DataSource(BatchSource):
    """Batches of a ``Data`` layer, in the order of the keys.

    Args:
        layer: The layer.
        options: Phase, seed, folder.

    Raises:
        FormatError: The database or the mean file cannot be read.
    """

    def __init__(self, layer: Message, options: Options) -> None:
        param = layer.data_param
        self._size = needed(layer, param, "batch_size")
        self._transform = read_transform(layer.transform_param, options.train, options.root)
        self._draws = options.draws(layer.name)
        self._has_label = len(layer.top) > 1
        path = os.path.join(options.root, needed(layer, param, "source"))
        self._database = open_database(path, param.backend)
        self._cursor = Cursor(self._database, self._note_restart)
        self._next = 0

    def batch(self, index: int) -> Batch:
        if index != self._next:
            self._cursor.seek(index * self._size)
        self._next = index + 1
        random = self._draws.at("batch", index)
        stack, labels = Stack(self._size), []
        for _ in range(self._size):
            name, value = next(self._cursor)
            datum = read_datum(value, name)
            pixels = datum_pixels(datum, name, self._transform.color)
            slot = stack.slot(self._transform.shape(pixels.shape), name)
            self._transform(pixels, random, name, slot)
            labels.append(datum.label)
        return (stack.images, np.array(labels, np.float32))[: 1 + self._has_label]

    def _note_restart(self) -> None:
        self.lines = (*self.lines, _RESTART)

    def close(self) -> None:
        self._database.close()
