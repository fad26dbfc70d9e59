"""What NumPy 2 and CuPy 14 broke in ChainerMN, which is part of Chainer 7."""

from __future__ import annotations

from typing import Any

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._patches.numpy_scalars import one_number
from chainer_ft.compat._probe import arrays_are_no_scalars, arrays_refuse_copy_false


def _patch_unpack_params(module: Any) -> None:
    import numpy

    def unpack_params(
        params: Any,
        attr_name: str,
        buffer: Any,
        transfer_dtype: Any,
        zero_fill: bool,
        stream: Any = None,
    ) -> None:
        """Copy a packed buffer back into the parameters, converting where dtypes differ."""
        offset = 0
        for param in params:
            array = getattr(param, attr_name)
            if array is None and attr_name == "grad" and zero_fill:
                array = param.xp.empty_like(param.data)
                setattr(param, attr_name, array)
            received = array.astype(transfer_dtype, copy=False)
            size = array.size * numpy.dtype(transfer_dtype).itemsize
            buffer.to_device(received, size, offset, stream)
            offset += size
            if received.dtype != array.dtype:
                getattr(param, attr_name)[...] = received.astype(array.dtype)

    module.unpack_params = unpack_params


def _shadow_int(module: Any) -> None:
    module.int = one_number(int)


PATCHES = (
    Patch(
        name="unpack-params-copy",
        module="chainermn.communicators._memory_utility",
        where="chainermn/communicators/_memory_utility.py:211",
        reason="array(copy=False) raises where it has to copy: ChainerMN with an "
        "allreduce_grad_dtype other than the parameters'.",
        needed=arrays_refuse_copy_false,
        apply=_patch_unpack_params,
    ),
    Patch(
        name="multi-node-iterator-int",
        module="chainermn.iterators.multi_node_iterator",
        where="chainermn/iterators/multi_node_iterator.py:137",
        reason="int() of an array with one element raises (NumPy 2.4) in the slave iterator.",
        needed=arrays_are_no_scalars,
        apply=_shadow_int,
    ),
)
