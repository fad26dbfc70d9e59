"""Chainer's npz as a loader and a saver. NumPy is imported when a file is opened."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from chainer_ft.types import Saver, Source, SourceLoader

if TYPE_CHECKING:
    from chainer_ft.formats import provenance as origin

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second: a zip of no members, an empty model


def detect(head: bytes, path: str) -> float:
    """Whether this is a zip with ``.npy`` members."""
    if not head.startswith(_ZIP):
        return 0.0
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # a damaged zip is still best explained by this loader
        return 0.5
    return 0.9 if not names or any(name.endswith(".npy") for name in names) else 0.0


def open_npz(path: str) -> Source:
    """Open an npz file; see :class:`~chainer_ft.formats.npz_file.NpzSource`."""
    from chainer_ft.formats.npz_file import NpzSource

    return NpzSource(path)


def save(
    path: str, source: Source, *, provenance: origin.Given | None = None, compress: bool = False
) -> None:
    """Write an npz file; see :func:`~chainer_ft.formats.npz_file.write`."""
    from chainer_ft.formats.npz_file import write

    write(path, source, provenance=provenance, compress=compress)


LOADER = SourceLoader("npz", "Chainer npz and trainer snapshots", (".npz",), detect, open_npz)
SAVER = Saver("npz", "Chainer npz; uncompressed unless --compress", (".npz",), save)
