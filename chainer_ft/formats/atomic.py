"""Write a file whole or not at all: a new file in the same folder, fsync, rename."""

from __future__ import annotations

import glob
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from chainer_ft.errors import FormatError

_NAME = 40  # characters of the name that the temporary file's takes up
_STALE = 3600  # seconds


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """Give the name of a new file; put it in the place of ``path`` when the block succeeds.

    Killed at any moment, ``path`` is the old file or the new one, never a part of either.

    Args:
        path: The file to write. Where it is a link, the file that it points to is replaced.

    Yields:
        str: Path of an empty temporary file in the same folder.

    Raises:
        FormatError: The folder is missing or full, or may not be written to; or ``path`` is
            write-protected, or no ordinary file.

    Example:
        >>> import os, pathlib, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with replacing(os.path.join(folder, "new.txt")) as temporary:
        ...     _ = pathlib.Path(temporary).write_text("whole")
        >>> os.listdir(folder)
        ['new.txt']
    """
    old = old_file(path)
    final = os.path.realpath(path)
    folder = os.path.dirname(final)
    _sweep(final)
    temporary = _new_file(final, old, path)
    try:
        with _syncing(temporary):
            yield temporary
        if old is not None:
            _keep(old, temporary)
        os.replace(temporary, final)
        _sync(folder)
    except OSError as error:
        raise FormatError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def old_file(path: str | os.PathLike[str]) -> os.stat_result | None:
    """The file that is to be replaced, if there is one.

    Raises:
        FormatError: It may not be, or there is no folder for a new one.
    """
    final = os.path.realpath(path)
    folder = os.path.dirname(final)
    if not os.path.isdir(folder):
        raise FormatError(f"{path}: cannot be written: there is no folder {folder}; make it first")
    try:
        old = os.stat(final)
    except OSError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise FormatError(f"{path}: is a folder; name a file in it")
    if not stat.S_ISREG(old.st_mode):
        raise FormatError(f"{path}: is no ordinary file (a device or a pipe); name another")
    if not os.access(final, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise FormatError(f"{path}: is write-protected; name another file, or chmod u+w it")
    return old


def _new_file(final: str, old: os.stat_result | None, path: object) -> str:
    """Make the temporary file: as private as the old one, or as the umask makes a new one."""
    folder, name = os.path.split(final)
    temporary = os.path.join(folder, f".{name[:_NAME]}.{secrets.token_hex(4)}.part")
    mode = stat.S_IMODE(old.st_mode) & 0o666 if old is not None else 0o666
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode | 0o600))
    except OSError as error:
        raise FormatError(
            f"{path}: cannot be written: {error.strerror} (in {folder}); name a file elsewhere"
        ) from error
    return temporary


def _sweep(final: str) -> None:
    """Remove what earlier writers of this file left when they were killed.

    A writer that lives touches its file all the time; should one stand still for an hour, it
    fails without harm to ``final``.
    """
    folder, name = os.path.split(final)
    pattern = os.path.join(glob.escape(folder), f".{glob.escape(name[:_NAME])}.????????.part")
    for stray in glob.glob(pattern):
        with suppress(OSError):
            if time.time() - os.stat(stray).st_mtime > _STALE:
                os.unlink(stray)


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


def _keep(old: os.stat_result, temporary: str) -> None:
    """Give the new file the owner and the mode of the old one."""
    now = os.stat(temporary)
    if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
        with suppress(OSError):  # only root may
            os.chown(temporary, old.st_uid, old.st_gid)
    os.chmod(temporary, stat.S_IMODE(old.st_mode))
