"""A place in a database that goes on at the first record after the last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from chainer_ft.caffe.data.leveldb import LeveldbDatabase
from chainer_ft.caffe.data.lmdb import LmdbDatabase
from chainer_ft.errors import FormatError


class Database(Protocol):
    """Records, sorted by their keys."""

    path: str

    def records(self, start: int = 0) -> Iterator[tuple[bytes, bytes]]: ...

    def close(self) -> None: ...


def open_database(path: str | os.PathLike[str], backend: str) -> Database:
    """Open a database of images.

    Args:
        path: Its folder.
        backend: ``LMDB`` or ``LEVELDB``.

    Raises:
        FormatError: It is no such database, or it is damaged.
    """
    folder = os.fspath(path)
    if not os.path.exists(folder):
        raise FormatError(
            f"{folder}: does not exist; paths in a prototxt are relative to the current folder, "
            f"which is {os.getcwd()}"
        )
    is_lmdb = os.path.exists(os.path.join(folder, "data.mdb"))
    if is_lmdb and backend != "LMDB":
        raise FormatError(f"{folder}: is an LMDB; say `backend: LMDB` in its data_param")
    if backend == "LMDB" and os.path.exists(os.path.join(folder, "CURRENT")) and not is_lmdb:
        raise FormatError(f"{folder}: is a LevelDB; say `backend: LEVELDB` in its data_param")
    return LmdbDatabase(folder) if backend == "LMDB" else LeveldbDatabase(folder)


class Cursor:
    """Gives the records one after another, and begins again after the last.

    Args:
        database: The records.
        wrapped: Called when it begins again.
    """

    def __init__(self, database: Database, wrapped: Callable[[], None] = lambda: None) -> None:
        self._database, self._wrapped = database, wrapped
        self._count = len(database) if isinstance(database, LmdbDatabase) else None
        self._records = database.records()

    def __next__(self) -> tuple[str, bytes]:
        """The next record: its name for messages, and its value."""
        record = next(self._records, None)
        if record is None:
            self._wrapped()
            self._records = self._database.records()
            record = next(self._records, None)
            if record is None:
                raise FormatError(
                    f"{self._database.path}: holds no records; convert images into it"
                )
        key = record[0].decode("utf-8", "backslashreplace")
        return f"{self._database.path}: key {key!r}", record[1]

    def seek(self, place: int) -> None:
        """Go to the record ``place``, counted from the first and on around the end."""
        self._records = self._database.records()
        if self._count is None:  # a LevelDB does not know how many records it has
            passed = sum(1 for _ in islice(self._records, place))
            if passed == place:
                return
            self._count = passed
        self._records = self._database.records(place % self._count if self._count else 0)
