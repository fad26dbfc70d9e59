"""Keep what is slow to open as a file that is not: the article's pickle cache, without a pickle.

A compressed npz, chunked HDF5 or a protocol 0 pickle is unpacked once into an uncompressed npz in
the user's cache folder, under the SHA-256 of the source. Several processes may do so at once:
files appear whole, and one that is removed stays readable for whoever has it open. Whatever goes
wrong in the folder costs time and a warning, never the command.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from chainer_ft.errors import ChainerFTError, UsageError
from chainer_ft.formats import npz
from chainer_ft.formats.atomic import replacing
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.formats.provenance import file_hash
from chainer_ft.transfer.cache_folder import CachedFile, default_folder, files_of, put, removed
from chainer_ft.transfer.cached import Cached, Readable
from chainer_ft.types import Source

SCHEMA = "chainer_ft.cache/2"
_LIMIT = 8 << 30
_DIGITS = re.compile("[0-9]{1,18}")
_TROUBLE = (OSError, ValueError, ChainerFTError)

log = logging.getLogger("chainer_ft")


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
        self._limit = limit

    @property
    def limit(self) -> int:
        """Bytes in all.

        Raises:
            UsageError: ``CHAINER_FT_CACHE_BYTES`` is no number.
        """
        return _limit() if self._limit is None else self._limit

    def fast(self, source: Source, file: str, view: str = "") -> Source:
        """The source from the cache, putting it there first where it pays.

        Args:
            source: An opened source; closed if another one is returned.
            file: The file behind it.
            view: What tells this view of the file from others (a prefix).

        Returns:
            Source: Itself where it is fast already, too large for the cache, or the folder
                cannot be used (a warning says why).

        Raises:
            UsageError: ``CHAINER_FT_CACHE_BYTES`` is no number.
        """
        with closed_on_error(source):
            cached = self._cached(source, file, view)
        if cached is None:
            return source
        source.close()
        return cached

    def files(self) -> Iterator[CachedFile]:
        """What is in it, the least recently used first."""
        try:
            yield from files_of(self.folder)
        except OSError as error:
            self._warn(error)

    def clear(self) -> int:
        """Remove everything; returns the bytes that were freed."""
        return sum(removed(file) for file in self.files())

    def _cached(self, source: Source, file: str, view: str) -> Cached | None:
        too_large = sum(entry.nbytes for entry in source.listing) > self.limit
        if not source.is_slow or too_large or not Readable(source).listing.entries:
            return None
        digest = file_hash(file).hexdigest()
        if digest is None:
            return None
        key = sha256("\0".join((digest, view, source.format)).encode()).hexdigest()
        path = self.folder / f"{key}.npz"
        cached = _opened(path, source, key)

        def is_same() -> bool:
            return file_hash(file).hexdigest() == digest

        if cached is None and self._made(path, source, key, is_same):
            cached = _opened(path, source, key)  # None: another process has evicted it already
            self._shrink(keep=path)
        return cached

    def _made(self, path: Path, source: Source, key: str, is_same: Callable[[], bool]) -> bool:
        """Whether the source could be unpacked to the path, in place of whatever is there."""
        new = path.with_name(f"{key}.{secrets.token_hex(8)}.npz")
        try:
            self.folder.mkdir(0o700, parents=True, exist_ok=True)
            with replacing(new) as temporary:
                os.chmod(temporary, 0o600)  # while it is empty: the source may be private
                npz.save(temporary, Readable(source), provenance={"schema": SCHEMA, "key": key})
            if not is_same():  # it was rewritten while it was being unpacked
                return False
            put(new, path)
        except _TROUBLE as error:
            self._warn(error)
            return False
        finally:
            with suppress(OSError):
                new.unlink()
        return True

    def _shrink(self, keep: Path) -> None:
        files = list(self.files())
        total = sum(file.nbytes for file in files)
        for file in files:
            if total <= self.limit:
                return
            if file.path != keep:
                total -= removed(file)

    def _warn(self, error: Exception) -> None:
        log.warning(
            "nothing is cached in %s: %s; CHAINER_FT_CACHE names another folder",
            self.folder,
            (isinstance(error, OSError) and error.strerror) or error,
        )


def _limit() -> int:
    text = os.environ.get("CHAINER_FT_CACHE_BYTES") or str(_LIMIT)
    if not _DIGITS.fullmatch(text):
        raise UsageError(
            f"CHAINER_FT_CACHE_BYTES is {text[:40]!a}, which is no number of bytes; write it in "
            f"digits, CHAINER_FT_CACHE_BYTES={_LIMIT}"
        )
    return int(text)


def _opened(path: Path, source: Source, key: str) -> Cached | None:
    """The source from a file of the cache; ``None`` where that is not there, or damaged."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):  # a link is not followed, a pipe not waited for
            return None
        file = npz.open_npz(str(path))
    except _TROUBLE:
        return None
    if file.provenance != {"schema": SCHEMA, "key": key} or not Cached.fits(file, source):
        file.close()
        return None
    with suppress(OSError):
        os.utime(path)
    return Cached(file, source)
