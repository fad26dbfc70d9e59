"""The layers of a file of weights as Caffe copies them: all of them, by name, with their blobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chainer_ft.errors import FormatError
from chainer_ft.formats import h5
from chainer_ft.formats.caffe_blobs import FileBlob
from chainer_ft.formats.caffe_hdf5 import H5Blob
from chainer_ft.formats.caffe_net import every_layer
from chainer_ft.formats.caffe_types import Blob
from chainer_ft.formats.mapped import MappedFile
from chainer_ft.formats.wire import Wire

if TYPE_CHECKING:
    import h5py


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a file.

    Args:
        name: Its name.
        blobs: By number; HDF5 leaves out those that another layer owns.
    """

    name: str
    blobs: Mapping[int, Blob] = field(default_factory=dict)

    def is_legacy(self, index: int) -> bool:
        """Whether a blob's shape is one of four numbers, as of 2014."""
        blob = self.blobs[index]
        return isinstance(blob, FileBlob) and blob.is_legacy


@dataclass(frozen=True)
class StoredNet:
    """A file of weights.

    Args:
        path: The file.
        layers: In the order in which Caffe reads them: that of the file, or of the alphabet.
        is_hdf5: Whether it is HDF5, for which Caffe has other rules.
    """

    path: str
    layers: tuple[StoredLayer, ...]
    is_hdf5: bool


@contextmanager
def stored_net(path: str) -> Iterator[StoredNet]:
    """Open a ``.caffemodel`` or ``.caffemodel.h5``, told apart by their content.

    Raises:
        FormatError: It is none, or it is damaged.
        TruncatedError: It ends early.
    """
    with MappedFile(path) as file:
        if bytes(file.view[: len(h5.MAGIC)]) != h5.MAGIC:
            layers = every_layer(file, Wire.of(file))
            named = [StoredLayer(la.name, dict(enumerate(la.blobs))) for la in layers]
            yield StoredNet(path, tuple(named), is_hdf5=False)
            return
    with h5.open_file(path) as opened:
        with h5.guarded(path):
            found = tuple(_hdf5_layers(opened, path))
        yield StoredNet(path, found, is_hdf5=True)


def _hdf5_layers(file: h5py.File, path: str) -> Iterator[StoredLayer]:
    import h5py

    if not isinstance(file.get("data"), h5py.Group):
        raise FormatError(f"{path}: has no group /data; it is no .caffemodel.h5")
    blobs: dict[str, dict[int, Blob]] = {name: {} for name in _leaves(file["data"], "")}
    for name, dataset in h5.datasets_in_file_order(file["data"], path):
        layer, _, index = name.rpartition("/")
        if not layer or not (index.isascii() and index.isdigit()):
            raise FormatError(f"{path}: /data/{name} is no blob of a layer (/data/LAYER/0)")
        h5.check_stored(dataset, path)
        if dataset.dtype.kind != "f":
            raise FormatError(f"{path}: /data/{name} is {dataset.dtype}, not floating point")
        kind = dataset.dtype.newbyteorder("=")
        blobs.setdefault(layer, {})[int(index)] = H5Blob(dataset, path, dataset.shape, kind)
    for name in sorted(blobs):
        yield StoredLayer(name, blobs[name])


def _leaves(group: h5py.Group, prefix: str, depth: int = 0) -> Iterator[str]:
    """Groups in which there are no others: layers, those without blobs too."""
    import h5py

    for name in group:
        is_group = group.get(name, getclass=True) is h5py.Group
        if not is_group or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        below = list(_leaves(group[name], f"{prefix}{name}/", depth + 1)) if depth < 32 else []
        yield from below or [prefix + name]
