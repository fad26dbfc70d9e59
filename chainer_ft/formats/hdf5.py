"""Chainer's HDF5 as a loader and a saver. NumPy and h5py are imported when a file is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainer_ft.formats import caffe_other, h5
from chainer_ft.types import Saver, Source, SourceLoader

if TYPE_CHECKING:
    from chainer_ft.formats import provenance as origin


def detect(head: bytes, path: str) -> float:
    """Whether this is HDF5, and neither Caffe's nor Keras's."""
    if not head.startswith(h5.MAGIC):
        return 0.0
    outline = h5.probe(path)
    if outline is None:
        return 0.4  # damaged; its error is worth more than "unknown"
    keras = {"keras_version", "layer_names", "backend"}.intersection(outline.attributes)
    if keras or "model_weights" in outline.groups or caffe_other.describe(head, path):
        return 0.0
    return 0.5


def open_hdf5(path: str) -> Source:
    """Open an HDF5 file; see :class:`~chainer_ft.formats.hdf5_file.Hdf5Source`."""
    from chainer_ft.formats.hdf5_file import Hdf5Source

    return Hdf5Source(path)


def save(
    path: str, source: Source, *, provenance: origin.Given | None = None, compress: bool = False
) -> None:
    """Write an HDF5 file; see :func:`~chainer_ft.formats.hdf5_file.write`."""
    from chainer_ft.formats.hdf5_file import write

    write(path, source, provenance=provenance, compress=compress)


LOADER = SourceLoader("hdf5", "Chainer HDF5", (".h5", ".hdf5"), detect, open_hdf5)
SAVER = Saver("hdf5", "Chainer HDF5; uncompressed unless --compress", (".h5", ".hdf5"), save)
