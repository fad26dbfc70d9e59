"""h5py 3 returns strings as bytes, and ``str(bytes)`` is ``"b'...'"``."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import h5py_reads_bytes


def _decode(module: ModuleType) -> None:
    import numpy

    call = module.HDF5Deserializer.__call__

    @functools.wraps(call)
    def decoding_call(self: Any, key: str, value: Any) -> Any:
        wants_text = value is None or isinstance(value, str)
        if not (wants_text and self.group is not None and key in self.group):
            return call(self, key, value)
        dataset = self.group[key]
        if dataset.shape is None or not is_text(module.h5py, dataset):
            return call(self, key, value)
        text = dataset.asstr()[()]
        return numpy.asarray(text, dtype=object) if value is None else type(value)(text)

    module.HDF5Deserializer.__call__ = decoding_call


def is_text(h5py: Any, dataset: Any) -> bool:
    """Whether h5py 2 returned the dataset as ``str`` objects (a string of variable length)."""
    info = h5py.check_string_dtype(dataset.dtype)
    return info is not None and info.length is None and info.encoding == "utf-8"


PATCHES = (
    Patch(
        name="hdf5-strings",
        module="chainer.serializers.hdf5",
        where="chainer/serializers/hdf5.py:157, :168",
        reason="h5py 3 reads strings as bytes: HDF5Deserializer turns the text abc into b'abc'.",
        needed=h5py_reads_bytes,
        apply=_decode,
    ),
)
