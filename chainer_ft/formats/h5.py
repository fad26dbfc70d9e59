"""HDF5 files as untrusted input: errors, sizes and order, for every format that is HDF5."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import ChainerFTError, FormatError, TruncatedError, UnsafeError
from chainer_ft.formats.unopened import unopened

if TYPE_CHECKING:
    import h5py
    import numpy as np

MAGIC = b"\x89HDF\r\n\x1a\n"
# Deflate makes at most 1032 bytes out of one; a dataset that declares more is a lie.
_MOST_INFLATION = 1032
_MOST_DEPTH = 64


@dataclass(frozen=True)
class Outline:
    """The names at the root of a file."""

    groups: tuple[str, ...]
    datasets: tuple[str, ...]
    attributes: tuple[str, ...]


@contextmanager
def guarded(path: str) -> Iterator[None]:
    """Turn whatever h5py raises inside into a :class:`FormatError` that names the file."""
    try:
        yield
    except ChainerFTError:
        raise
    except MemoryError as error:
        raise UnsafeError(f"{path}: asks for more memory than there is") from error
    except Exception as error:
        raise _translated(path, error) from error


def _translated(path: str, error: Exception) -> FormatError:
    ends = re.search(r"stored_eof = (\d+)", str(error))
    if ends and os.path.exists(path):
        size = os.path.getsize(path)
        return TruncatedError(
            f"{path}: ends at byte {size} of {ends[1]}; download or copy it again"
        )
    if isinstance(error, OSError) and error.errno:
        return unopened(path, error)
    return FormatError(f"{path}: damaged HDF5: {error}")


def open_file(path: str) -> h5py.File:
    """Open a file for reading; a context manager.

    Raises:
        TruncatedError: It ends early.
        FormatError: It cannot be opened or is no HDF5.
    """
    import h5py

    with guarded(path):
        return h5py.File(path, "r")


def probe(path: str) -> Outline | None:
    """The names at the root, or ``None`` where the file cannot be opened as HDF5."""
    import h5py

    try:
        with open_file(path) as file, guarded(path):
            kinds = {name: file.get(name, getclass=True) for name in file}
            return Outline(
                tuple(name for name, kind in kinds.items() if kind is h5py.Group),
                tuple(name for name, kind in kinds.items() if kind is h5py.Dataset),
                tuple(file.attrs),
            )
    except FormatError:
        return None


def datasets_in_file_order(group: h5py.Group, path: str) -> list[tuple[str, h5py.Dataset]]:
    """All datasets below a group, in the order in which they were written.

    HDF5 hands out names alphabetically. Object headers go into the file as objects are made, at
    its end or, now and then, into a gap that was left before; so a dataset is as late as the last
    of its own header and those of the groups around it.

    Args:
        group: The group, or the file.
        path: The file, for messages.

    Returns:
        list: Pairs of the path below ``group`` (``conv1/W``) and the dataset.

    Raises:
        UnsafeError: A link leads out of the file.
        FormatError: A group stands in two places, or in itself.
    """
    with guarded(path):
        found = sorted(_below(group, "", (), set(), path), key=lambda item: item[0])
        return [(name, dataset) for _, name, dataset in found]


_Dated = tuple[tuple[int, int], str, "h5py.Dataset"]


def _below(
    group: h5py.Group, prefix: str, parents: tuple[int, ...], seen: set[int], path: str
) -> Iterator[_Dated]:
    """Each dataset with its date: the last header on the way to it, then its own."""
    import h5py

    around = (*parents, _address(group))
    if around[-1] in seen or len(around) > _MOST_DEPTH:
        raise FormatError(f"{path}: group {group.name!r} stands in two places, or in itself")
    seen.add(around[-1])
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise UnsafeError(f"{path}: {prefix}{name} is a link elsewhere; it is not followed")
        member = group[name]
        if isinstance(member, h5py.Group):
            yield from _below(member, f"{prefix}{name}/", around, seen, path)
        elif isinstance(member, h5py.Dataset):
            own = _address(member)
            yield (max(own, *around), own), prefix + name, member


def _address(member: Any) -> int:
    import h5py

    return int(h5py.h5o.get_info(member.id).addr)


def check_stored(dataset: h5py.Dataset, path: str) -> None:
    """Refuse a dataset whose numbers cannot all be in the file.

    Args:
        dataset: Any dataset with a dataspace.
        path: The file, for messages.

    Raises:
        UnsafeError: It declares more than is stored, or its numbers are in another file.
        FormatError: It is no array of numbers.
    """
    with guarded(path):
        where = f"{path}: {dataset.name}"
        if dataset.shape is None or dataset.dtype.hasobject:
            raise FormatError(f"{where} is no array of numbers")
        if dataset.is_virtual or dataset.external:
            raise UnsafeError(f"{where} is kept in another file; it is not followed")
        declared = max(prod(dataset.shape), prod(dataset.chunks or ())) * dataset.dtype.itemsize
        stored = dataset.id.get_storage_size()
        packed = dataset.id.get_create_plist().get_nfilters() > 0
        most = min(stored, dataset.file.id.get_filesize()) * (_MOST_INFLATION if packed else 1)
        if prod(dataset.shape) and declared > most:
            raise UnsafeError(
                f"{where}: shape {dataset.shape} is {declared} bytes, but {stored} are stored"
            )


def checked_read(dataset: h5py.Dataset, path: str) -> np.ndarray:
    """Read a dataset that passes :func:`check_stored` into a fresh array of native byte order."""
    import numpy as np

    check_stored(dataset, path)
    with guarded(path):
        array = np.asarray(dataset[()])
        return array.astype(array.dtype.newbyteorder("="), copy=False)
