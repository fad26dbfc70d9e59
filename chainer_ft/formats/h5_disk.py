"""A file for HDF5 to write into that never fails while HDF5 looks.

The HDF5 library does not survive a full disk: with compression on, the process ends in a
segmentation fault when the file is closed. So errors are kept until it has let go of the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py


class Disk:
    """What h5py asks of a file object. After the first error, writes go to memory.

    Args:
        path: The file, new or to be overwritten.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115  closed in close()
        self._position = 0
        self._overlay: list[tuple[int, bytes]] = []
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise what went wrong so far."""
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = self._file.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        return self._position

    def write(self, data: memoryview) -> int:
        start, view, done = self._position, memoryview(data).cast("B"), 0
        self._position += len(view)
        try:
            self._file.seek(start)
            while self._error is None and done < len(view):
                done += self._file.write(view[done:])
        except OSError as error:
            self._error = error
        if done < len(view):
            self._overlay.append((start + done, bytes(view[done:])))
        return len(view)

    def read(self, size: int) -> bytes:
        data = bytearray(size)
        self.readinto(memoryview(data))
        return bytes(data)

    def readinto(self, buffer: memoryview) -> int:
        view, start = memoryview(buffer).cast("B"), self._position
        self._file.seek(start)
        view[:] = bytes(len(view))
        self._file.readinto(view)
        for offset, data in self._overlay:
            begin, end = max(offset, start), min(offset + len(data), start + len(view))
            if begin < end:
                view[begin - start : end - start] = data[begin - offset : end - offset]
        self._position += len(view)
        return len(view)

    def truncate(self, size: int) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size

    def flush(self) -> None:
        """Nothing is buffered here."""

    def close(self) -> None:
        self._file.close()


@contextmanager
def writing(path: str) -> Iterator[tuple[h5py.File, Disk]]:
    """Open a new HDF5 file.

    Args:
        path: The file, new or to be overwritten.

    Yields:
        tuple: The ``h5py.File`` to write into, and the disk, to be checked now and then.

    Raises:
        OSError: The disk is full, or took no more for another reason.
    """
    import h5py

    disk = Disk(path)
    try:
        with h5py.File(disk, "w") as file:
            yield file, disk
        disk.check()
    finally:
        disk.close()
