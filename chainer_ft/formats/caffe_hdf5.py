"""``.caffemodel.h5``: the weights of a Caffe net as HDF5, which keeps no layer types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chainer_ft.errors import FormatError
from chainer_ft.formats import h5
from chainer_ft.formats.caffe_types import UNTYPED, Layer
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.types.hooks import SourceLoader
from chainer_ft.types.source import Source

if TYPE_CHECKING:
    import h5py
    import numpy as np

_NOTE = (
    "the file keeps no layer types: parameters are named by the number and shapes of a layer's "
    "arrays, and layers stand in the order in which they were written"
)
_GROUPS = frozenset(("data", "diff"))


@dataclass(frozen=True)
class H5Blob:
    """A dataset."""

    dataset: h5py.Dataset
    path: str
    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self) -> np.ndarray:
        """All numbers, flat, in a fresh array."""
        return h5.checked_read(self.dataset, self.path).reshape(-1)

    def blocks(self) -> Iterator[np.ndarray]:
        """All numbers in one piece."""
        yield self.read()


def detect(head: bytes, path: str) -> float:
    """HDF5 whose only groups are ``data`` and perhaps ``diff``, of layers of numbered arrays."""
    if not head.startswith(h5.MAGIC):
        return 0.0
    outline = h5.probe(path)
    if outline is None:  # damaged: opening it says how
        return 0.3 if path.endswith(".caffemodel.h5") else 0.0
    if outline.datasets or "data" not in outline.groups or not _GROUPS.issuperset(outline.groups):
        return 0.0
    try:
        with h5.open_file(path) as file, h5.guarded(path):
            names = [name for name, _ in h5.datasets_in_file_order(file["data"], path)]
    except FormatError:
        return 0.3
    return 0.95 if all(map(_is_blob_path, names)) else 0.0


def _is_blob_path(name: str) -> bool:
    link, _, index = name.rpartition("/")
    return bool(link) and index.isascii() and index.isdigit()


def open_caffe_hdf5(path: str) -> Source:
    """Open a net.

    Raises:
        FormatError: It is none, or it is damaged.
        TruncatedError: It ends early.
        UnsafeError: It declares arrays that are not stored.
    """
    from chainer_ft.formats.caffe_source import CaffeSource

    with closed_on_error(h5.open_file(path)) as file, h5.guarded(path):
        layers = _layers(file, path)
        return CaffeSource(path, LOADER.name, layers, (_NOTE,), file.close)


def _layers(file: h5py.File, path: str) -> list[Layer]:
    """Layers by their last dataset's date, which a gap in the file can mislead least."""
    found: dict[str, dict[int, H5Blob]] = {}
    for name, dataset in h5.datasets_in_file_order(file["data"], path):
        if not _is_blob_path(name):
            raise FormatError(f"{path}: /data/{name} is no blob of a layer (/data/LAYER/0)")
        h5.check_stored(dataset, path)
        if dataset.dtype.kind != "f":
            raise FormatError(f"{path}: /data/{name} is {dataset.dtype}, not floating point")
        link, _, index = name.rpartition("/")
        blobs = found.pop(link, {})
        blobs[int(index)] = H5Blob(dataset, path, dataset.shape, dataset.dtype.newbyteorder("="))
        found[link] = blobs
    layers = [_layer(i, name, blobs) for i, (name, blobs) in enumerate(found.items())]
    return _with_affine_halves(layers)


def _layer(index: int, name: str, blobs: dict[int, H5Blob]) -> Layer:
    numbers = tuple(sorted(blobs))
    ordered = tuple(blobs[i] for i in numbers)
    if numbers != tuple(range(len(blobs))):  # another layer owns the missing ones
        return Layer(index, name, "", ordered, numbers=numbers)
    kind, assumed = _kind([blob.shape for blob in ordered])
    return Layer(index, name, kind, ordered, assumed=assumed)


def _kind(shapes: Sequence[tuple[int, ...]]) -> tuple[str, str]:
    """The Caffe type whose names suit arrays of these shapes, and what that takes for granted."""
    first, *rest = shapes
    if len(rest) == 2 and len(first) == 1 and rest[0] == first and rest[1] in ((1,), ()):
        return "BatchNorm", "taken for a BatchNorm: two vectors and a number"
    if rest == [first]:
        return "Scale", "taken for a Scale layer: two arrays of one shape"
    if len(first) > 1 and [len(shape) for shape in rest] in ([], [1]):
        return UNTYPED, ""
    if not rest:
        return UNTYPED, "taken for the W of a PReLU or Scale layer; a Bias layer would call it b"
    return "", ""


def _with_affine_halves(layers: Sequence[Layer]) -> list[Layer]:
    """Give a Scale directly behind a BatchNorm that norm as its source.

    Now and then a small layer's place in the file is wrong (see :mod:`chainer_ft.formats.h5`); it
    would make two norms, or two scales, neighbours, and these are left alone.
    """
    kinds = ["", *(layer.type for layer in layers), ""]
    made = list(layers)
    for i in range(1, len(layers)):
        before, norm, scale, after = kinds[i - 1 : i + 3]
        alone = before != "BatchNorm" and after != "Scale"
        if (norm, scale) == ("BatchNorm", "Scale") and alone:
            made[i] = replace(layers[i], source=layers[i - 1].index)
    return made


LOADER = SourceLoader(
    name="caffe-hdf5",
    summary="Caffe weights as HDF5",
    suffixes=(".caffemodel.h5",),
    detect=detect,
    open=open_caffe_hdf5,
)
