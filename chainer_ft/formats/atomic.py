"""Write a file whole or not at all: a new file in the same folder, fsync, rename."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from chainer_ft.errors import FormatError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """Give the name of a new file; put it in the place of ``path`` when the block succeeds.

    Killed at any moment, ``path`` is the old file or the new one, never a part of either.

    Args:
        path: The file to write. Where it is a link, the file that it points to is replaced.

    Yields:
        str: Path of an empty temporary file in the same folder.

    Raises:
        FormatError: The folder is missing or full, or may not be written to.

    Example:
        >>> import os, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with replacing(os.path.join(folder, "new.txt")) as temporary:
        ...     _ = open(temporary, "w").write("whole")
        >>> os.listdir(folder)
        ['new.txt']
    """
    final = os.path.realpath(path)
    folder, name = os.path.split(final)
    if os.path.isdir(final):
        raise FormatError(f"{path}: is a folder; name a file in it")
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
        os.close(handle)
    except OSError as error:
        raise FormatError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        with _syncing(temporary):
            yield temporary
        _keep_mode(final, temporary)
        os.replace(temporary, final)
        _sync(folder)
    except OSError as error:
        raise FormatError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


@contextmanager
def _syncing(path: str) -> Iterator[None]:
    """Push the file to the disk while it is being written, so that the last fsync is short."""
    done = threading.Event()

    def push() -> None:
        while not done.wait(0.05):
            with suppress(OSError):
                _sync(path)

    pusher = threading.Thread(target=push, daemon=True)
    pusher.start()
    try:
        yield
    finally:
        done.set()
        pusher.join()
    _sync(path)


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _keep_mode(final: str, temporary: str) -> None:
    """mkstemp makes private files: give the old file's mode, or what a new file would get."""
    try:
        mode = os.stat(final).st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    os.chmod(temporary, mode)
