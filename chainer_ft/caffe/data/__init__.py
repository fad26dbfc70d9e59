"""Caffe's data layers: databases, image lists, HDF5, memory; a feed of batches for each.

Example:
    >>> from chainer_ft.caffe.message import Message
    >>> shape = Message("BlobShape", dim=[2, 3])
    >>> layer = Message("LayerParameter", name="data", type="Input", top=["data"])
    >>> layer.set("input_param", Message("InputParameter", shape=[shape]))
    >>> [array.shape for array in next(feeder(layer, "TEST"))]
    [(2, 3)]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainer_ft.caffe.data.feed import Feed
    from chainer_ft.caffe.message import Message

#: Types of layers that give data, each with its source: module and class.
SOURCES = {
    "Data": ("records", "DataSource"),
    "ImageData": ("image_list", "ImageSource"),
    "HDF5Data": ("hdf5", "Hdf5DataSource"),
    "DummyData": ("dummy", "DummySource"),
    "Input": ("generated", "InputSource"),
    "MemoryData": ("generated", "MemorySource"),
    "WindowData": ("window", "WindowSource"),
}


def feeder(
    layer: Message,
    phase: str = "TRAIN",
    *,
    seed: int | None = None,
    root: str = "",
    log: Callable[[str, str], object] | None = None,
) -> Feed:
    """The batches of a data layer, an endless iterator.

    Args:
        layer: A ``LayerParameter`` of a type in :data:`SOURCES`.
        phase: ``TRAIN`` or ``TEST``; crops are random while training only.
        seed: Of all that is random; with the same seed the batches are the same. Fresh by default.
        root: Folder that paths in the layer are relative to; the current one by default.
        log: Given place and text of lines for the log, ``data_layer.cpp:90``.

    Returns:
        Feed: Gives a tuple of float32 arrays, one for each top, and has a ``position``.

    Raises:
        UsageError: No data layer, or its parameters are wrong; with file and line.
        FormatError: Its files cannot be read.
    """
    import importlib

    from chainer_ft.caffe.data.feed import Feed
    from chainer_ft.caffe.data.options import Options
    from chainer_ft.errors import UsageError

    if layer.type not in SOURCES:
        raise UsageError(
            f"{layer.where('type')}: layer {layer.name!r} has the type {layer.type!r}, which gives "
            f"no data; those that do: {', '.join(SOURCES)}"
        )
    module, name = SOURCES[layer.type]
    source = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    made = source(layer, Options(phase=phase, seed=seed, root=root))
    ahead = layer.data_param.prefetch if layer.type == "Data" else _AHEAD
    return Feed(made, ahead) if log is None else Feed(made, ahead, log)


_AHEAD = 4
