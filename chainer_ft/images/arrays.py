"""Images in an ``.npz``: one array of pixels, one of labels."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.images.items import Found, Named, stamp
from chainer_ft.images.modes import to_bytes
from chainer_ft.images.picture import Picture

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
    try:
        with np.load(path, allow_pickle=False) as file:
            names = set(file.files)
            pairs = [next((p for p in wanted if names.issuperset(p)), None) for wanted in _WANTED]
            read = [None if pair is None else _labels(file, path, *pair) for pair in pairs]
            classes = tuple(map(str, file["classes"])) if "classes" in names else ()
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    train, val, whole = read
    if train is None and whole is None:
        raise FormatError(
            f"{path}: holds the arrays {', '.join(sorted(names))}; images and labels must be "
            "called x and y, or x_train, y_train, x_val and y_val"
        )
    chosen = (train, val) if train is not None else (whole, None)
    return _found(path, chosen, classes)


_WANTED = (_TRAIN, _VAL, _ALL)
Labels = tuple[str, np.ndarray]


def _found(
    path: str, parts: tuple[Labels | None, Labels | None], classes: tuple[str, ...]
) -> Found:
    every = np.concatenate([part[1] for part in parts if part is not None])
    values = sorted(set(every.tolist()))
    if classes and values[-1:] and not isinstance(values[0], str):
        if not 0 <= values[0] <= values[-1] < len(classes):
            raise FormatError(f"{path}: labels {values[0]} to {values[-1]}, {len(classes)} classes")
        names = dict(enumerate(classes))
    else:
        names = {value: str(value) for value in values}
    train, val = (None if part is None else tuple(_named(part, names)) for part in parts)
    order = tuple(names[value] for value in values)
    return Found("npz", Arrays(path), train or (), val, order, is_checked=True)


def _named(part: Labels, names: dict[Any, str]) -> Iterable[Named]:
    return (Named(f"{part[0]}#{at}", names[value]) for at, value in enumerate(part[1].tolist()))


def _labels(file: Any, path: str, images: str, labels: str) -> Labels:
    """Name of the array of images, and its labels, one each."""
    values = file[labels]
    if values.ndim == 2 and values.shape[1] > 1 and set(np.unique(values)) == {0, 1}:
        values = values.argmax(axis=1)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind == "f" and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    if values.ndim != 1 or values.dtype.kind not in "iuSU":
        raise FormatError(
            f"{path}: {labels} has the shape {values.shape} and dtype {values.dtype}; labels are "
            "whole numbers or text, one for each image"
        )
    count = len(pixels(path, images, stamp(path)))
    if len(values) != count:
        raise FormatError(
            f"{path}: {images} holds {count} images and {labels} {len(values)} labels"
        )
    return images, values.astype(np.str_) if values.dtype.kind == "S" else values


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
    with np.load(path, allow_pickle=False) as file:
        values = file[name]
    try:
        return to_bytes(_in_order(values))
    except FormatError as error:
        raise FormatError(f"{path}: {name} {error}") from error


def _in_order(values: np.ndarray) -> np.ndarray:
    """(n, height, width, 3), whatever the order was."""
    if values.ndim == 2:
        side = isqrt(values.shape[1])
        if side * side == values.shape[1]:
            values = values.reshape(-1, side, side)
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim == 4 and values.shape[3] not in (1, 3) and values.shape[1] in (1, 3):
        values = values.transpose(0, 2, 3, 1)
    if values.ndim != 4 or values.shape[3] not in (1, 3):
        raise FormatError(
            f"has the shape {values.shape}; images are (n, height, width), (n, height, width, 3) "
            "or (n, 3, height, width)"
        )
    return np.broadcast_to(values, (*values.shape[:3], 3))
