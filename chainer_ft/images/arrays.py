"""Images in an ``.npz``: one array of pixels, one of labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from typing import Any, NamedTuple

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.formats.npz import open_npz
from chainer_ft.images.items import Found, Named, stamp
from chainer_ft.images.modes import to_bytes
from chainer_ft.images.picture import Picture
from chainer_ft.types import Source

#: Names of arrays, as Keras, MedMNIST and others write them: images, labels.
_ALL = (("x", "y"), ("X", "y"), ("images", "labels"), ("data", "labels"), ("data", "target"))
_TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"))
_VAL = (
    ("x_val", "y_val"), ("val_images", "val_labels"),
    ("x_test", "y_test"), ("test_images", "test_labels"),
)  # fmt: skip


@dataclass(frozen=True)
class Arrays:
    """Images in the arrays of an ``.npz``.

    Args:
        path: The file.
    """

    path: str

    def file(self, key: str) -> str:
        return self.path

    def open(self, key: str) -> Picture:
        name, _, number = key.partition("#")
        every = pixels(self.path, name, stamp(self.path))
        return Picture.of(every[int(number)], f"{self.path}: {key}")


def in_arrays(path: str) -> Found:
    """Images of an ``.npz``, ``x`` and ``y``, or ``x_train``, ``y_train`` and ``x_val``, ``y_val``.

    Images are (n, height, width), (n, height, width, channels), (n, channels, height, width) or
    rows of square grey ones; uint8, or floats from 0 to 1 or 0 to 255. Labels are whole numbers or
    text, (n,), (n, 1) or one-hot. An array ``classes`` may name them.

    Raises:
        FormatError: The arrays are missing, or are no images or no labels.
    """
    with open_npz(path) as file:
        names = {entry.path[1:] for entry in file.listing}
        train, val, whole = (_labels(file, names, wanted) for wanted in (_TRAIN, _VAL, _ALL))
        classes = tuple(map(str, file.read("/classes").tolist())) if "classes" in names else ()
    if train is not None:
        return _found(path, train, val, classes)
    if whole is not None:
        return _found(path, whole, None, classes)
    raise FormatError(
        f"{path}: holds the arrays {', '.join(sorted(names)) or 'of none'}; images and labels must "
        "be called x and y, or x_train, y_train, x_val and y_val"
    )


class _Labels(NamedTuple):
    """Labels of the images in an array."""

    images: str
    values: list[Any]


def _found(path: str, train: _Labels, val: _Labels | None, classes: tuple[str, ...]) -> Found:
    every = {*train.values, *(val.values if val is not None else ())}
    values = sorted(every, key=lambda value: (isinstance(value, str), value))
    names = {value: str(value) for value in values}
    if classes and values and not any(isinstance(value, str) for value in values):
        if not 0 <= values[0] <= values[-1] < len(classes):
            raise FormatError(
                f"{path}: the labels go from {values[0]} to {values[-1]}, and there are "
                f"{len(classes)} names in classes; labels count from 0"
            )
        names = dict(enumerate(classes))
    held = None if val is None else tuple(_named(val, names))
    order = tuple(names[value] for value in values)
    return Found("npz", Arrays(path), tuple(_named(train, names)), held, order, is_checked=True)


def _named(part: _Labels, names: dict[Any, str]) -> Iterable[Named]:
    return (Named(f"{part.images}#{at}", names[value]) for at, value in enumerate(part.values))


def _labels(
    file: Source, names: Collection[str], wanted: Iterable[tuple[str, str]]
) -> _Labels | None:
    """The first pair of arrays that the file has, one label for each image."""
    pair = next((pair for pair in wanted if pair[0] in names and pair[1] in names), None)
    if pair is None:
        return None
    values = _numbers_or_text(file.read(f"/{pair[1]}"), f"{file.name}: {pair[1]}")
    count = len(pixels(file.name, pair[0], stamp(file.name)))
    if len(values) != count:
        raise FormatError(
            f"{file.name}: {pair[0]} holds {count} images and {pair[1]} {len(values)} labels"
        )
    return _Labels(pair[0], values)


def _numbers_or_text(values: np.ndarray, where: str) -> list[Any]:
    """Labels as a list, of one-hot rows, columns, floats that are whole numbers, bytes."""
    if values.ndim == 2 and values.shape[1] > 1 and _is_one_hot(values):
        values = values.argmax(axis=1)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind == "f" and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "backslashreplace")
    if values.ndim != 1 or values.dtype.kind not in "iubU":
        raise FormatError(
            f"{where} has the shape {values.shape} and dtype {values.dtype}; labels are whole "
            "numbers or text, one for each image"
        )
    return list(values.tolist())


def _is_one_hot(values: np.ndarray) -> bool:
    if values.dtype.kind not in "iufb":
        return False
    return bool(((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all())


@lru_cache(maxsize=4)
def pixels(path: str, name: str, stamp: tuple[int, ...]) -> np.ndarray:
    """The images of an array: uint8, (n, height, width, 3); kept for the next call.

    Args:
        path: The file.
        name: Of the array.
        stamp: What changes when the file does.

    Raises:
        FormatError: They are none.
    """
    with open_npz(path) as file:
        values = file.read(f"/{name}")
    try:
        values = to_bytes(_in_order(values))
    except FormatError as error:
        raise FormatError(f"{path}: {name} {error}") from error
    return np.broadcast_to(values, (*values.shape[:3], 3))


def _in_order(values: np.ndarray) -> np.ndarray:
    """(n, height, width, 3 or 1), whatever the order was."""
    if values.ndim == 2:
        side = isqrt(values.shape[1])
        if side * side == values.shape[1]:
            values = values.reshape(-1, side, side)
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim == 4 and values.shape[3] not in (1, 3) and values.shape[1] in (1, 3):
        values = values.transpose(0, 2, 3, 1)
    if values.ndim != 4 or values.shape[3] not in (1, 3) or 0 in values.shape[1:]:
        raise FormatError(
            f"has the shape {values.shape}; images are (n, height, width), (n, height, width, 3) "
            "or (n, 3, height, width)"
        )
    return values
