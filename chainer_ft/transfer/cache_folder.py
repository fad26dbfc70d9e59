"""The folder of the cache: where it is, what is in it, what comes and goes."""

from __future__ import annotations

import os
import re
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: What the cache makes; nothing else in the folder is ever listed or removed.
_NAME = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{16})?\.npz")


@dataclass(frozen=True)
class CachedFile:
    """One file of the cache.

    Args:
        path: The file.
        nbytes: Its size.
        used: When it was last opened, in seconds since the epoch.
    """

    path: Path
    nbytes: int
    used: float


def default_folder() -> Path:
    """Where this system keeps caches of the user."""
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home has no cache: nothing can be made below this
        home = Path(os.devnull)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "chainer_ft"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "chainer_ft"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "chainer_ft"


def files_of(folder: Path) -> list[CachedFile]:
    """What the cache has in a folder, the least recently used first; nothing if there is none.

    Raises:
        OSError: The folder cannot be read.
    """
    found = []
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    for path in (folder / name for name in names if _NAME.fullmatch(name)):
        with suppress(OSError):
            facts = path.lstat()
            if not stat.S_ISDIR(facts.st_mode):
                found.append(CachedFile(path, facts.st_size, facts.st_mtime))
    return sorted(found, key=lambda file: file.used)


def put(new: Path, path: Path) -> None:
    """Rename, which never follows a link; a folder in the place goes, if it is empty."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            path.rmdir()
    with suppress(FileNotFoundError):  # another process may have evicted it already
        os.replace(new, path)


def removed(file: CachedFile) -> int:
    """Remove a file; returns the bytes that were freed."""
    try:
        file.path.unlink()
    except OSError:
        return 0
    return file.nbytes
