"""Chainer's HDF5 files: ``serializers.save_hdf5``, read and written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats import h5, h5_disk
from chainer_ft.formats import provenance as origin
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.formats.layout import ChainerFile, check_names
from chainer_ft.types import Entry, Source

if TYPE_CHECKING:
    import h5py

_UNINITIALISED = "uninitialised parameter or None"
_TEXT = "text, not an array of numbers"
_GZIP_LEVEL = 4  # as save_hdf5


class Hdf5Source(ChainerFile):
    """An HDF5 file in Chainer's layout; arrays are read when they are asked for.

    Args:
        path: The file.

    Raises:
        FormatError: It is damaged.
        NotWeightsError: It holds no model.
    """

    format = "hdf5"

    def __init__(self, path: str) -> None:
        self._file = h5.open_file(path)
        with closed_on_error(self):
            found = h5.datasets_in_file_order(self._file, path)
            check_names((name for name, _ in found), path)
            self._datasets = {"/" + name: dataset for name, dataset in found}
            text = self._datasets.pop("/" + origin.MEMBER, None)
            with h5.guarded(path):
                _check_sum(self._datasets.values(), path)
                entries = [self._entry(stored) for stored in self._datasets]
            if text is not None and text.size <= origin.LIMIT:
                self.provenance = origin.decode(h5.checked_read(text, path).tobytes())
            super().__init__(path, entries, ordered=origin.keeps_order(self.provenance))
            self.is_slow = any(d.chunks is not None for d in self._datasets.values())
            self.whole = self.whole and not len(self._file.attrs)

    def read_stored(self, stored: str) -> np.ndarray:
        dataset = self._datasets[stored]
        h5.check_stored(dataset, self.name)
        with h5.guarded(self.name):
            array = np.empty(dataset.shape, dataset.dtype)
            if array.size:
                dataset.read_direct(array)
        return array

    def close(self) -> None:
        with h5.guarded(str(self._file.filename) if self._file else ""):
            self._file.close()

    def _entry(self, stored: str) -> Entry:
        dataset = self._datasets[stored]
        if dataset.shape is None:
            return Entry(stored, None, None, note=_UNINITIALISED)
        if dataset.dtype.hasobject:
            return Entry(stored, tuple(dataset.shape), dataset.dtype, note=_TEXT)
        return Entry(stored, tuple(dataset.shape), dataset.dtype)


def _check_sum(datasets: Iterable[h5py.Dataset], path: str) -> None:
    """Refuse datasets that all claim the same bytes: a small file would become a huge one."""
    size = os.path.getsize(path)
    stored = sum(dataset.id.get_storage_size() for dataset in datasets)
    if stored > size:
        raise UnsafeError(
            f"{path}: its datasets claim {stored} bytes of a file of {size}; some share their "
            "numbers, or the file is damaged"
        )


def write(
    path: str, source: Source, *, provenance: origin.Given | None = None, compress: bool = False
) -> None:
    """Write everything in ``source`` as HDF5 that ``chainer.serializers.load_hdf5`` reads.

    Args:
        path: The new file.
        source: What to write. Entries without an array become empty datasets, as Chainer's.
        provenance: Kept inside as JSON, in a dataset that Chainer never asks for; a function is
            called when all arrays are written.
        compress: Gzip, as ``save_hdf5`` does by default.
    """
    with h5_disk.writing(path) as (file, disk):
        for link in source.link_paths:
            file.require_group(link)
        for entry in source.listing:
            _check_name(entry, source)
            data, level = _data(entry, source), _GZIP_LEVEL if compress else None
            file.create_dataset(
                entry.path, data=data, compression=level if entry.size > 1 else None
            )
            disk.check()
        if provenance is not None:
            text = np.frombuffer(origin.encode(provenance), np.uint8)
            file.create_dataset(origin.MEMBER, data=text)


def _check_name(entry: Entry, source: Source) -> None:
    """HDF5 drops a name ``.`` from a path, and a path is a group or an array, not both."""
    above = entry.path.split("/")
    inside = ("/".join(above[:i]) for i in range(2, len(above)))
    if "." in above or any(path in source.listing for path in inside):
        raise FormatError(
            f"{source.name}::{entry.path}: HDF5 cannot hold this path; write an .npz, or --skip it"
        )


def _data(entry: Entry, source: Source) -> Any:
    import h5py

    entry.check_writable(source.name)
    if entry.shape is None or entry.dtype is None:
        return h5py.Empty("f")
    if entry.dtype.kind in "UOMm":
        raise FormatError(
            f"{source.name}::{entry.path}: HDF5 cannot hold {entry.dtype} as Chainer reads it; "
            f"write an .npz, or --skip {entry.path}"
        )
    return source.read(entry.path)
