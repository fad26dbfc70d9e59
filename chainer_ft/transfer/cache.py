"""Keep what is slow to open as a file that is not: the article's pickle cache, without a pickle.

A compressed npz, chunked HDF5 or a protocol 0 pickle is unpacked once into an uncompressed npz in
the user's cache folder, under the SHA-256 of the source. Several processes may do so at once:
files appear whole, and one that is removed stays readable for whoever has it open.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError
from chainer_ft.formats import npz
from chainer_ft.formats.atomic import replacing
from chainer_ft.formats.provenance import file_hash
from chainer_ft.types import Entry, Listing, Source

SCHEMA = "chainer_ft.cache/1"
_SUFFIX = ".npz"
_LIMIT = 8 << 30


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


class Cache:
    """A folder of unpacked sources, the least recently used going first.

    Args:
        folder: ``CHAINER_FT_CACHE``, or the user's cache folder.
        limit: Bytes in all; ``CHAINER_FT_CACHE_BYTES``, or 8 GiB.

    Example:
        >>> import tempfile
        >>> list(Cache(tempfile.mkdtemp()).files())
        []
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, limit: int | None = None
    ) -> None:
        self.folder = Path(folder or os.environ.get("CHAINER_FT_CACHE") or default_folder())
        self.limit = _limit() if limit is None else limit

    def fast(self, source: Source, file: str, view: str = "") -> Source:
        """The source from the cache, putting it there first where it pays.

        Args:
            source: An opened source; closed if another one is returned.
            file: The file behind it.
            view: What tells this view of the file from others (a prefix).

        Returns:
            Source: Itself where it is fast already, or too large for the cache.
        """
        digest = file_hash(file).hexdigest() if source.is_slow else None
        if digest is None or sum(entry.nbytes for entry in source.listing) > self.limit:
            return source
        key = sha256(f"{digest}{view}{source.format}".encode()).hexdigest()
        path = self.folder / (key + _SUFFIX)
        cached = self._opened(path, digest) or self._made(path, source, digest)
        source.close()
        return cached

    def files(self) -> Iterator[CachedFile]:
        """What is in it, the least recently used first."""
        found = []
        for path in self.folder.glob("*" + _SUFFIX) if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):
                stat = path.stat()
                found.append(CachedFile(path, stat.st_size, stat.st_mtime))
        yield from sorted(found, key=lambda file: file.used)

    def clear(self) -> int:
        """Remove everything; returns the bytes that were freed."""
        return sum(_removed(file) for file in self.files())

    def _opened(self, path: Path, digest: str) -> Source | None:
        try:
            cached = Cached(path)
        except FormatError:  # not there, or damaged: it is made anew
            return None
        if cached.digest != digest:
            cached.close()
            return None
        with suppress(OSError):
            os.utime(path)
        return cached

    def _made(self, path: Path, source: Source, digest: str) -> Source:
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            npz.save(temporary, _Readable(source), provenance=_facts(source, digest))
        self._shrink(keep=path)
        return Cached(path)

    def _shrink(self, keep: Path) -> None:
        files = list(self.files())
        total = sum(file.nbytes for file in files)
        for file in files:
            if total <= self.limit:
                return
            if file.path != keep:
                total -= _removed(file)


class Cached(Source):
    """A source from the cache: the listing that the original had, arrays from the npz."""

    def __init__(self, path: Path) -> None:
        self._npz = npz.open_npz(str(path))
        try:
            facts = dict(self._npz.provenance or {})
            if facts.get("schema") != SCHEMA:
                raise FormatError(f"{path}: is no file of the cache")
            self.name, self.format = str(facts["name"]), str(facts["format"])
            self.digest = str(facts["sha256"])
            self.notes, self.details = tuple(facts["notes"]), tuple(facts["details"])
            self.provenance, self.whole = facts["provenance"], bool(facts["whole"])
            entries = tuple(_entry(data) for data in facts["entries"])
            self._listing = Listing(entries, self.name)
        except (KeyError, TypeError, ValueError) as error:
            self.close()
            raise FormatError(f"{path}: is no file of the cache") from error
        except BaseException:
            self.close()
            raise

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._npz.read(path)

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        return self._npz.blocks(path)

    def close(self) -> None:
        self._npz.close()


class _Readable(Source):
    """What of a source can be read."""

    def __init__(self, source: Source) -> None:
        self.name, self._source = source.name, source
        paths = [e.path for e in source.listing if e.shape is not None and not e.note]
        self._listing = source.listing.where(paths)

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._source.read(path)

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        return self._source.blocks(path)


def default_folder() -> Path:
    """Where this system keeps caches of the user."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "chainer_ft"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "chainer_ft"
    return Path(os.environ.get("XDG_CACHE_HOME", home / ".cache")) / "chainer_ft"


def _limit() -> int:
    text = os.environ.get("CHAINER_FT_CACHE_BYTES", "")
    return int(text) if text.isdigit() else _LIMIT


def _removed(file: CachedFile) -> int:
    try:
        file.path.unlink()
    except OSError:
        return 0
    return file.nbytes


def _facts(source: Source, digest: str) -> dict[str, Any]:
    entries = []
    for entry in source.listing:
        data = asdict(entry)
        data["dtype"] = None if entry.dtype is None else np.lib.format.dtype_to_descr(entry.dtype)
        entries.append(data)
    return {
        "schema": SCHEMA,
        "sha256": digest,
        "name": source.name,
        "format": source.format,
        "whole": source.whole,
        "notes": list(source.notes),
        "details": list(source.details),
        "provenance": source.provenance,
        "entries": entries,
    }


def _entry(data: dict[str, Any]) -> Entry:
    tuples = ("shape", "bases", "transforms", "partial_shape")
    fields: dict[str, Any] = {
        key: tuple(value) if key in tuples and value is not None else value
        for key, value in data.items()
    }
    if fields["dtype"] is not None:
        descr = fields["dtype"]
        named = [tuple(field) for field in descr] if isinstance(descr, list) else descr
        fields["dtype"] = np.dtype(named)
    return Entry(**fields)
