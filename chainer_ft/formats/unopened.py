"""What is said of a file that cannot be opened, and what to type instead."""

from __future__ import annotations

import os
from difflib import get_close_matches
from itertools import islice

from chainer_ft.errors import FormatError

_MOST_NAMES = 10_000  # of a folder that are compared: a longer look would take seconds


def unopened(
    path: str | os.PathLike[str], error: OSError | ValueError, name: str = ""
) -> FormatError:
    """The error to raise for a path that a user has named.

    Args:
        path: The path.
        error: What ``open`` has raised; a ``ValueError`` of a path with a null character.
        name: What to call it in the message, if not by its path.

    Example:
        >>> print(unopened("no-folder/solver.prototxt", FileNotFoundError(2, "")))
        no-folder/solver.prototxt: cannot be opened: No such file or directory, nor a folder
        no-folder; see `ls .`
    """
    path = os.fspath(path)
    code = getattr(error, "errno", None)
    said = os.strerror(code) if code else str(error)
    return FormatError(f"{name or path}: cannot be opened: {said}{advice(path, error)}")


def advice(path: str, error: OSError | ValueError) -> str:
    """What to type after such an error, to stand behind the message."""
    if isinstance(error, IsADirectoryError):
        return "; name a file in it"
    if isinstance(error, FileNotFoundError) and not os.path.lexists(path):
        return similar(path)
    return f"; see `ls -l {path}`" if isinstance(error, OSError) else ""


def similar(path: str) -> str:
    """What to type in the place of a missing path: those beside it that may have been meant."""
    folder, name = os.path.split(os.path.normpath(path))
    folder = folder or "."
    if not os.path.isdir(folder):
        return f", nor a folder {folder}; see `ls {_above(folder)}`"
    found = get_close_matches(name, _names(folder), n=3)
    paths = " or ".join(os.path.normpath(os.path.join(folder, one)) for one in found)
    return f"; did you mean {paths}?" if found else f"; see `ls {folder}`"


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, _MOST_NAMES)]
    except OSError:
        return []


def _above(folder: str) -> str:
    """The nearest folder above that exists."""
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder or "."
