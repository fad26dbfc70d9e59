"""The layer ``ImageData``: image files and labels from a list."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import numpy as np

from chainer_ft.caffe.data.images import read_image
from chainer_ft.caffe.data.options import Options, needed
from chainer_ft.caffe.data.source import Batch, BatchSource, Stack
from chainer_ft.caffe.data.transform import read_transform
from chainer_ft.caffe.message import Message
from chainer_ft.errors import FormatError, UsageError
from chainer_ft.formats.unopened import unopened


class Listed(NamedTuple):
    """One line of a list.

    Attributes:
        path: Of the image, as written.
        label: Its class.
        line: Where it stands, ``list.txt:7``.
    """

    path: str
    label: int
    line: str


def read_list(path: str | os.PathLike[str]) -> list[Listed]:
    """Read a list of images: a path, a blank, a whole number on each line.

    The last blank divides, so a path may have blanks.

    Raises:
        FormatError: With file and line. Caffe itself takes the label 0 where it finds no number.
    """
    name = os.fspath(path)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            lines = file.read().removesuffix("\n").split("\n")
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise unopened(name, error) from error
    if lines == [""]:
        raise FormatError(f"{name}: lists no images; write `PATH LABEL` on each line")
    return [_listed(line, f"{name}:{number}") for number, line in enumerate(lines, 1)]


def _listed(line: str, place: str) -> Listed:
    path, blank, label = line.removesuffix("\r").rpartition(" ")
    if not blank or not path or not re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", label):
        raise FormatError(
            f"{place}: {line[:80]!r} is no image and label; write `PATH LABEL`, the label one "
            "whole number"
        )
    return Listed(path, int(label), place)


class ImageSource(BatchSource):
    """Batches of an ``ImageData`` layer.

    Args:
        layer: The layer.
        options: Phase, seed, folder.

    Raises:
        FormatError: The list or the mean file cannot be read.
        UsageError: Parameters exclude each other.
    """

    def __init__(self, layer: Message, options: Options) -> None:
        param = layer.image_data_param
        self._size, self._is_color = needed(layer, param, "batch_size"), param.is_color
        self._root, self._folder = options.root, param.root_folder
        self._resize = self._new_size(param)
        self._transform = read_transform(layer.transform_param, options.train, options.root)
        self._draws = options.draws(layer.name)
        self._shuffle = param.shuffle
        source = os.path.join(options.root, needed(layer, param, "source"))
        self._list = read_list(source)
        self._start = self._skipped(param, source) if param.rand_skip else 0
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, int))

    @staticmethod
    def _new_size(param: Message) -> tuple[int, int] | None:
        if bool(param.new_height) != bool(param.new_width):
            raise UsageError(f"{param.where()}: new_height and new_width go together")
        return (param.new_height, param.new_width) if param.new_height else None

    def _skipped(self, param: Message, source: str) -> int:
        skip = int(self._draws.at("skip").integers(param.rand_skip))
        if skip >= len(self._list):
            raise UsageError(
                f"{param.where('rand_skip')}: rand_skip skips {skip} of the {len(self._list)} "
                f"images in {source}"
            )
        return skip

    def batch(self, index: int) -> Batch:
        random = self._draws.at("batch", index)
        first = self._start + index * self._size
        chosen = [self._at(place) for place in range(first, first + self._size)]
        stack = Stack(self._size)
        for one in chosen:
            pixels = self._read(one)
            slot = stack.slot(self._transform.shape(pixels.shape), one.line)
            self._transform(pixels, random, one.line, slot)
        return stack.images, np.array([one.label for one in chosen], np.float32)

    def _read(self, one: Listed) -> np.ndarray:
        path = os.path.join(self._root, self._folder + one.path)
        try:
            return read_image(path, self._is_color, self._resize)
        except FormatError as error:
            raise FormatError(f"{one.line}: {error}") from error

    def _at(self, place: int) -> Listed:
        epoch, number = divmod(place, len(self._list))
        if not self._shuffle:
            return self._list[number]
        if self._order[0] != epoch:
            self._order = (epoch, self._draws.order(len(self._list), "epoch", epoch))
        return self._list[int(self._order[1][number])]
