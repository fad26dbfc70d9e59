"""SciPy's sparse matrices refuse float16, and widened it before."""

from __future__ import annotations

import functools
from typing import Any

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import sparse_refuses_float16


def _widen(module: Any) -> None:
    import numpy

    matmul = module._coo_matmul_cpu

    def wide(array: Any) -> Any:
        return array.astype(numpy.float32) if array.dtype == numpy.float16 else array

    @functools.wraps(matmul)
    def wide_matmul(
        A_data: Any,  # noqa: N803  (Chainer's names)
        A_row: Any,  # noqa: N803
        A_col: Any,  # noqa: N803
        A_shape: Any,  # noqa: N803
        B: Any,  # noqa: N803
        dtype: Any,
    ) -> Any:
        return matmul(wide(A_data), A_row, A_col, A_shape, wide(B), dtype)

    module._coo_matmul_cpu = wide_matmul


PATCHES = (
    Patch(
        name="sparse-float16",
        module="chainer.functions.math.sparse_matmul",
        where="chainer/functions/math/sparse_matmul.py:68, :75",
        reason="scipy.sparse refuses float16, and F.sparse_matmul of half precision stops there.",
        needed=sparse_refuses_float16,
        apply=_widen,
    ),
)
