"""A file mapped into memory, read with bounds that are checked."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import FormatError, TruncatedError

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np


class MappedFile:
    """A read-only file whose bytes are looked at in place and copied only into arrays.

    Args:
        path: The file.
        name: What to call it in messages, if not by its path.

    Attributes:
        path: The file's path.
        size: Its length in bytes.
        view: ``memoryview`` of the whole file; slices of it cost nothing.

    Raises:
        FormatError: The file cannot be opened, or is a folder.
    """

    def __init__(self, path: str | os.PathLike[str], name: str = "") -> None:
        self.path = name or os.fspath(path)
        try:
            self._file = open(path, "rb")  # noqa: SIM115  closed in close()
        except OSError as error:
            raise FormatError(f"{self.path}: cannot be opened: {error.strerror}") from error
        self.size = os.fstat(self._file.fileno()).st_size
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self.size else b""
        self.view = memoryview(self._map)

    @property
    def stream(self) -> mmap.mmap | bytes:
        """The file as something with slices and ``find``."""
        return self._map

    def need(self, offset: int, count: int, what: str) -> None:
        """Raise :class:`TruncatedError` unless ``count`` bytes lie at ``offset``."""
        if offset + count > self.size:
            raise TruncatedError(
                f"{self.path}: ends at byte {self.size} of {offset + count} ({what}); "
                "download or copy it again"
            )

    def read_into(self, array: np.ndarray, offset: int, what: str = "array data") -> None:
        """Fill a C-contiguous array from the file, without a second copy in memory."""
        self.need(offset, array.nbytes, what)
        buffer: Any = memoryview(array.reshape(-1)).cast("B") if array.size else memoryview(b"")
        self._file.seek(offset)
        done = 0
        while done < array.nbytes:
            count = self._file.readinto(buffer[done:])
            if not count:
                raise TruncatedError(f"{self.path}: became shorter while it was read")
            done += count

    def close(self) -> None:
        """Unmap and close. Views must not be used afterwards."""
        self.view.release()
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        self._file.close()

    def __enter__(self) -> MappedFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
