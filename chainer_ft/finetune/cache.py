"""The file that features are kept in: memory-mapped, resumable, never used half-written."""

from __future__ import annotations

import logging
import mmap
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.finetune.columns import Column, header, places
from chainer_ft.finetune.disk import allocate, locked, unlock, write_at

_log = logging.getLogger("chainer_ft")

_DIGEST = 16


class FeatureFile:
    """Columns of one length, written chunk by chunk.

    It is called ``KEY.part`` until each of its chunks is there, and ``KEY.features`` from then on.
    Each chunk has a digest, which is written behind it; what has none, or another, is not there.

    Args:
        folder: Where it is, or is made.
        key: What the numbers depend on, as hexadecimal digits.
        columns: What is in it.
        rows: How many.
        chunk: Rows that are written at once.

    Example:
        >>> import tempfile
        >>> file = FeatureFile(tempfile.mkdtemp(), "00", [Column((2,), "<f4")], rows=3, chunk=2)
        >>> list(file.missing())
        [0, 1]
        >>> file.write(0, [np.ones((2, 2), "f")])
        >>> file.write(1, [np.zeros((1, 2), "f")])
        >>> file.finish()
        >>> file.arrays[0].tolist()
        [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
        >>> file.close()
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        key: str,
        columns: Sequence[Column],
        rows: int,
        chunk: int,
    ) -> None:
        self.columns, self.rows, self.chunk = tuple(columns), rows, chunk
        self.chunks = -(-rows // chunk)
        self.path = Path(folder) / f"{key}.features"
        self._part = self.path.with_suffix(".part")
        self._header = header(key, self.columns, rows, chunk)
        self._places = places(self.columns, rows, len(self._header))
        self.nbytes = self._places[-1] + self.chunks * _DIGEST
        self._handle, self._whole = -1, False
        self.arrays: list[np.ndarray] = []
        self._use(self._opened())

    def missing(self) -> Iterator[int]:
        """The chunks that are not there, or are not what was written."""
        if self._whole:
            return
        for index in range(self.chunks):
            written = os.pread(self._handle, _DIGEST, self._digest_place(index))
            if written != self._digest(index):
                yield index

    def write(self, index: int, arrays: Sequence[np.ndarray]) -> None:
        """Write one chunk of every column.

        Raises:
            FormatError: The disk is full.
        """
        try:
            for place, column, array in zip(self._places, self.columns, arrays, strict=False):
                rows = np.ascontiguousarray(array, column.dtype)
                write_at(self._handle, rows.tobytes(), place + index * self.chunk * column.nbytes)
            write_at(self._handle, self._digest(index), self._digest_place(index))
        except OSError as error:
            raise FormatError(f"{self.path}: cannot be written: {error.strerror}") from error

    def finish(self) -> None:
        """Give the file its name, now that all of it is there."""
        if self._part.exists():
            os.fsync(self._handle)
            os.replace(self._part, self.path)

    def close(self) -> None:
        """Close the file; arrays that were given out stay readable."""
        if self._handle >= 0:
            unlock(self._handle)  # the mapped arrays hold the file, and the lock with it
            os.close(self._handle)
            self._handle = -1

    def remove(self) -> None:
        """Close and delete it."""
        self.close()
        for path in (self.path, self._part):
            with suppress(OSError):
                path.unlink()

    def _opened(self) -> int:
        if not hasattr(os, "pwrite"):
            raise FormatError(f"{self.path}: features are kept on POSIX systems only")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = self._open(self.path, os.O_RDONLY)
            return self._open_part() if handle is None else handle
        except OSError as error:
            raise FormatError(f"{self.path}: cannot be opened: {error.strerror}") from error

    def _open_part(self) -> int:
        """Go on with what another run has begun; where it still runs, begin another one."""
        handle = self._open(self._part, os.O_RDWR)
        if handle is not None and locked(handle):
            return handle
        if handle is not None:
            os.close(handle)
            self._part = self.path.with_suffix(f".{secrets.token_hex(4)}.part")
        return self._new()

    def _open(self, path: Path, flags: int) -> int | None:
        """A file that is there already; one that is something else is deleted."""
        try:
            handle = os.open(path, flags)
        except FileNotFoundError:
            return None
        same = os.fstat(handle).st_size == self.nbytes
        same = same and os.pread(handle, len(self._header), 0) == self._header
        if same and (path == self._part or self._is_whole(handle)):
            return handle
        os.close(handle)
        _log.warning("%s: is damaged; it is made anew", path)
        path.unlink()
        return None

    def _is_whole(self, handle: int) -> bool:
        self._use(handle)
        self._whole = not list(self.missing())
        return self._whole

    def _new(self) -> int:
        handle = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            locked(handle)
            allocate(handle, self.nbytes)
            write_at(handle, self._header, 0)
        except BaseException:
            os.close(handle)
            self._part.unlink()
            raise
        return handle

    def _use(self, handle: int) -> None:
        self._handle = handle
        whole = np.frombuffer(mmap.mmap(handle, self.nbytes, access=mmap.ACCESS_READ), np.uint8)
        self.arrays = []
        for place, column in zip(self._places, self.columns, strict=False):
            flat = whole[place : place + self.rows * column.nbytes]
            self.arrays.append(flat.view(column.dtype).reshape(self.rows, *column.shape))

    def _digest_place(self, index: int) -> int:
        return self._places[-1] + index * _DIGEST

    def _digest(self, index: int) -> bytes:
        maker = blake2b(str(index).encode(), digest_size=_DIGEST)
        for array in self.arrays:
            rows = array[index * self.chunk : (index + 1) * self.chunk]
            maker.update(rows.reshape(-1).view(np.uint8).data)
        return maker.digest()
