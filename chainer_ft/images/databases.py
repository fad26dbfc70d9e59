"""Images in an LMDB as Caffe's tools write it."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chainer_ft.caffe.data.datum import datum_pixels, read_datum
from chainer_ft.caffe.data.lmdb import LmdbDatabase
from chainer_ft.errors import FormatError
from chainer_ft.images.files import TRAIN, VAL, folders
from chainer_ft.images.items import Found, Named, stamp
from chainer_ft.images.modes import to_bytes
from chainer_ft.images.opening import open_picture
from chainer_ft.images.picture import Picture


@dataclass(frozen=True)
class Records:
    """Records of databases in a folder.

    Args:
        root: The folder that the keys' databases are in.
    """

    root: str

    def file(self, key: str) -> str:
        return os.path.join(self.root, key.rpartition("#")[0], "data.mdb")

    def open(self, key: str) -> Picture:
        folder, _, number = key.rpartition("#")
        path = os.path.join(self.root, folder)
        record, value = _opened(path).record(int(number))
        where = f"{path}: key {record.decode('utf-8', 'backslashreplace')!r}"
        datum = read_datum(value, where)
        if datum.encoded:
            return open_picture(bytes(datum.data), where)
        try:
            pixels = to_bytes(datum_pixels(datum, where))
            return Picture.of(_rgb(pixels), where)
        except FormatError as error:
            raise FormatError(f"{where}: {error}") from error


def _rgb(pixels: np.ndarray) -> np.ndarray:
    """(height, width, 3), red first, of (3 or 1, height, width), blue first."""
    if pixels.shape[0] not in (1, 3):
        raise FormatError(f"has {pixels.shape[0]} channels; images have 3 or 1")
    return np.broadcast_to(pixels[::-1].transpose(1, 2, 0), (*pixels.shape[1:], 3))


def databases(root: str) -> list[str]:
    """Folders of LMDBs: ``root`` itself (an empty name), or those in it."""
    if os.path.exists(os.path.join(root, "data.mdb")):
        return [""]
    return [name for name in folders(root) if os.path.exists(os.path.join(root, name, "data.mdb"))]


def in_databases(root: str) -> Found:
    """Images of an LMDB, or of a folder with one for training and one for validation.

    Raises:
        FormatError: It cannot be read, or it is not clear which is which.
    """
    names = databases(root)
    if len(names) == 1:
        return Found("lmdb", Records(root), *_read(root, [names[0], None]))
    train, val = (_called(names, words) for words in (TRAIN, VAL))
    if train is None or val is None:
        raise FormatError(
            f"{root}: holds the databases {', '.join(names)}; name one of them, or have one with "
            "train and one with val or test in its name"
        )
    return Found("lmdb", Records(root), *_read(root, [train, val]))


def _called(names: list[str], words: tuple[str, ...]) -> str | None:
    found = [name for name in names if any(word in name.lower() for word in words)]
    return found[0] if len(found) == 1 else None


def _read(
    root: str, names: list[str | None]
) -> tuple[tuple[Named, ...], tuple[Named, ...] | None, tuple[str, ...]]:
    labels = [None if name is None else _labels(os.path.join(root, name)) for name in names]
    classes = tuple(map(str, sorted({label for part in labels if part for label in part})))
    train, val = (
        None
        if part is None
        else tuple(Named(f"{name}#{at}", str(label)) for at, label in enumerate(part))
        for name, part in zip(names, labels, strict=True)
    )
    return train or (), val, classes


def _labels(path: str) -> list[int]:
    database = _opened(path)
    return [read_datum(value, f"{path}: key {key!r}").label for key, value in database.records()]


def _opened(path: str) -> LmdbDatabase:
    """A database that stays open; another one once its file is written again."""
    return _database(path, stamp(os.path.join(path, "data.mdb")))


@lru_cache(maxsize=4)
def _database(path: str, stamp: tuple[int, ...]) -> LmdbDatabase:
    return LmdbDatabase(path)


atexit.register(_database.cache_clear)
