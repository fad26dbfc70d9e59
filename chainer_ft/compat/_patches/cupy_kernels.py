"""CuPy 14. No name that Chainer needs at import is gone, so ``cuda.available`` is true by itself.

cuDNN is no part of CuPy 14: Chainer finds it missing and uses its own kernels. What is left
are three habits of these kernels that CuPy's headers no longer allow.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import cupy_is_14

_HALF_HEADER = "#include <cupy/float16.cuh>\n"
_FP16_HEADER = "#include <cuda_fp16.h>\n"
_ATOMIC_ADD = re.compile(r"(atomicAdd\(&\w+\[\w+\], )([^;]+)\);")
_HIERARCHICAL_SOFTMAX = "binary_hierarchical_softmax_bwd"


def _silence_advice(module: Any) -> None:
    module.check_cuda_available._already_warned = True


def _declare_float16(module: Any) -> None:
    elementwise = module.elementwise

    @functools.wraps(elementwise)
    def elementwise_with_header(
        in_params: str, out_params: str, operation: str, name: str, **kwargs: Any
    ) -> Any:
        if "float16" in operation:
            kwargs["preamble"] = _HALF_HEADER + kwargs.get("preamble", "")
        return elementwise(in_params, out_params, operation, name, **kwargs)

    module.elementwise = elementwise_with_header


def _cast_atomic_add(module: Any) -> None:
    elementwise = module.elementwise

    @functools.wraps(elementwise)
    def elementwise_with_casts(
        in_params: str, out_params: str, operation: str, name: str, **kwargs: Any
    ) -> Any:
        if name == _HIERARCHICAL_SOFTMAX:
            operation = _ATOMIC_ADD.sub(r"\1static_cast<T>(\2));", operation)
        return elementwise(in_params, out_params, operation, name, **kwargs)

    module.elementwise = elementwise_with_casts


def _include_fp16(module: Any) -> None:
    raw = module.raw

    @functools.wraps(raw)
    def raw_with_header(code: str, name: str, *args: Any, **kwargs: Any) -> Any:
        if "half" in code and "cuda_fp16.h" not in code:
            code = _FP16_HEADER + code
        return raw(code, name, *args, **kwargs)

    module.raw = raw_with_header


PATCHES = (
    Patch(
        name="cupy-cudnn-advice",
        module="chainer.backends.cuda",
        where="chainer/backends/cuda.py:134",
        reason="Chainer warns that CuPy should be reinstalled with cuDNN, which CuPy 14 cannot.",
        needed=cupy_is_14,
        apply=_silence_advice,
    ),
    Patch(
        name="cupy-float16-elementwise",
        module="chainer.backends.cuda",
        where="chainer/training/updaters/multiprocess_parallel_updater.py:300, :393",
        reason="CuPy 14 only forward-declares float16 in a kernel none of whose arguments has "
        "it: MultiprocessParallelUpdater's kernels do not compile.",
        needed=cupy_is_14,
        apply=_declare_float16,
    ),
    Patch(
        name="cupy-float16-atomic-add",
        module="chainer.backends.cuda",
        where="chainer/links/loss/hierarchical_softmax.py:224",
        reason="CuPy 14's float16 product is a float, which its atomicAdd does not take: the "
        "gradient of L.BinaryHierarchicalSoftmax in float16 does not compile.",
        needed=cupy_is_14,
        apply=_cast_atomic_add,
    ),
    Patch(
        name="cupy-fp16-raw",
        module="chainer.backends.cuda",
        where="chainermn/communicators/_memory_utility.py:290, :362",
        reason="CuPy 14's carray.cuh no longer includes cuda_fp16.h, and ChainerMN's batched "
        "kernels use half.",
        needed=cupy_is_14,
        apply=_include_fp16,
    ),
)
