"""Space, locks and writes of a file that several processes may want."""

from __future__ import annotations

import errno
import os

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: What a file system says that takes space only when something is written.
_CANNOT_ALLOCATE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def write_at(handle: int, data: bytes, place: int) -> None:
    """Write all of the bytes at a place in a file."""
    view = memoryview(data)
    while view:
        count = os.pwrite(handle, view, place)
        view, place = view[count:], place + count


def allocate(handle: int, size: int) -> None:
    """Take all of the space now: a full disk is an error here, and a crash in mapped memory."""
    os.ftruncate(handle, size)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in _CANNOT_ALLOCATE:
            raise


def locked(handle: int) -> bool:
    """Whether nobody else writes the file; nobody will until :func:`unlock`."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def unlock(handle: int) -> None:
    """Let others write the file."""
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_UN)
