"""``.caffemodel`` and ``.caffemodel.h5`` as Caffe's snapshots are, which it can load."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainer_ft.caffe.binary_writer import binary_pieces
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.solver.blob import blob_message
from chainer_ft.errors import FormatError
from chainer_ft.formats.atomic import replacing


@dataclass(frozen=True)
class SavedBlob:
    """A blob of a layer.

    Args:
        array: Its numbers, in Caffe's shape.
        diff: The last update, where that is kept too.
        is_borrowed: Whether an earlier layer owns it; HDF5 then has no copy.
    """

    array: np.ndarray
    diff: np.ndarray | None = None
    is_borrowed: bool = False


@dataclass(frozen=True)
class SavedNet:
    """A net with its weights.

    Args:
        name: Its name.
        layers: All layers as Caffe keeps them, see :func:`saved_layers`.
        blobs: Those of each layer.
    """

    name: str
    layers: Sequence[Message]
    blobs: Sequence[Sequence[SavedBlob]]


def write_weights(path: str | os.PathLike[str], net: SavedNet) -> None:
    """Write a net, whole or not at all: HDF5 if the name ends in ``.h5``, else binary.

    Raises:
        FormatError: It cannot be written; it is larger than 2 GB and not HDF5; or it is HDF5,
            and the name of a layer has a slash in it, for which Caffe's HDF5 has no place.

    Example:
        >>> import os, tempfile
        >>> fc = Message("LayerParameter", name="fc", type="InnerProduct")
        >>> path = os.path.join(tempfile.mkdtemp(), "x.caffemodel")
        >>> net = SavedNet("tiny", [fc], [[SavedBlob(np.ones((2, 3), "f"))]])
        >>> write_weights(path, net)
        >>> import chainer_ft as ft
        >>> with ft.open(path) as source:
        ...     source.read("/fc/W").shape
        (2, 3)
    """
    name = os.fspath(path)
    if name.endswith(".h5"):
        check_names(name, [layer.name for layer in net.layers])
    with replacing(name) as temporary:
        if name.endswith(".h5"):
            _write_hdf5(temporary, net)
            return
        with open(temporary, "wb") as file:
            file.writelines(binary_pieces(_message(net)))


def check_names(path: str, names: Sequence[str]) -> None:
    """Refuse names of layers that HDF5 would take for groups in groups, where Caffe dies.

    Raises:
        FormatError: There is one.
    """
    for name in names:
        if "/" in name:
            raise FormatError(
                f"{path}: the layer {name!r} has a slash in its name, and Caffe cannot keep it as "
                "HDF5; write snapshot_format: BINARYPROTO"
            )


def _message(net: SavedNet) -> Message:
    made = Message("NetParameter", name=net.name)
    made.set("layer", list(_with_blobs(net)))
    return made


def _with_blobs(net: SavedNet) -> Iterator[Message]:
    for layer, blobs in zip(net.layers, net.blobs, strict=True):
        copy = layer.copy()
        copy.clear("blobs")
        if blobs:
            copy.set("blobs", [blob_message(blob.array, blob.diff) for blob in blobs])
        yield copy


def _write_hdf5(path: str, net: SavedNet) -> None:
    import h5py

    has_diff = any(blob.diff is not None for blobs in net.blobs for blob in blobs)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        diff = file.create_group("diff") if has_diff else None
        for layer, blobs in zip(net.layers, net.blobs, strict=True):
            own = data.create_group(layer.name)
            changes = diff.create_group(layer.name) if diff is not None else None
            for i, blob in enumerate(blobs):
                if not blob.is_borrowed:
                    own.create_dataset(str(i), data=blob.array)
                if changes is not None:
                    changes.create_dataset(str(i), data=blob.diff)
