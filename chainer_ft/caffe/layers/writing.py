"""HDF5Output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainer import backend

from chainer_ft.caffe.layers.base import layer_error
from chainer_ft.caffe.message import Message
from chainer_ft.formats.atomic import replacing

Variable = Any


def hdf5_output(layer: Message, phase: str) -> Callable[[Variable, Variable], tuple[()]]:
    """Writes its bottoms to an HDF5 file as ``data`` and ``label``, anew at each forward."""
    path = layer.hdf5_output_param.file_name
    if not path:
        raise layer_error(layer, "file_name is missing")

    def write(*bottoms: Variable) -> tuple[()]:
        import h5py

        with replacing(path) as temporary, h5py.File(temporary, "w") as file:
            for name, blob in zip(("data", "label"), bottoms, strict=False):
                file[name] = backend.CpuDevice().send(blob.array)
        return ()

    return write
