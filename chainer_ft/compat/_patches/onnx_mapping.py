"""``onnx.mapping`` is gone; what it held is still known to ``onnx.helper``."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import always


def _rebuild(module: ModuleType) -> None:
    import numpy
    from onnx import TensorProto, helper

    tables: dict[str, dict[Any, Any]] = {
        "TENSOR_TYPE_TO_NP_TYPE": {},
        "NP_TYPE_TO_TENSOR_TYPE": {},
        "TENSOR_TYPE_TO_STORAGE_TENSOR_TYPE": {},
        "STORAGE_TENSOR_TYPE_TO_FIELD": {},
    }
    to_numpy, from_numpy, to_storage, to_field = tables.values()
    for kind in helper.get_all_tensor_dtypes():
        dtype = numpy.dtype(helper.tensor_dtype_to_np_dtype(kind))
        storage = helper.tensor_dtype_to_storage_tensor_dtype(kind)
        to_numpy[kind] = dtype
        to_storage[kind] = storage
        to_field[storage] = helper.tensor_dtype_to_field(storage)
        if kind <= TensorProto.COMPLEX128:  # the newer types share NumPy dtypes with these
            from_numpy[dtype] = kind
    vars(module).update(tables)


PATCHES = (
    Patch(
        name="onnx-mapping",
        module="onnx.mapping",
        where="onnx_chainer/export.py:12, onnx_chainer/context.py:13, "
        "onnx_chainer/functions/array.py:6, onnx_chainer/functions/math.py:2",
        reason="onnx removed the module, and onnx_chainer says that ONNX is not installed.",
        needed=always,
        apply=_rebuild,
        when="missing",
    ),
)
