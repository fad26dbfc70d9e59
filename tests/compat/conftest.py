"""Stand-ins for libraries that a machine without a GPU, or without ONNX, does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

CUPY = '''\
"""As much of CuPy as Chainer imports. Like CuPy 14, it has no cuDNN."""
import os
from types import SimpleNamespace

from cupy import _util, cuda

__version__ = os.environ["STAND_IN_CUPY"]
ndarray = type("ndarray", (), {})


def memoize(for_each_device=False):
    return lambda function: function


def kernel(*args, **kwargs):
    return SimpleNamespace(args=args, kwargs=kwargs)


def pool():
    return SimpleNamespace(malloc=None)


ElementwiseKernel = ReductionKernel = RawKernel = kernel
fuse = memoize
get_default_memory_pool = get_default_pinned_memory_pool = pool
'''

CUDA = '''\
from cupy.cuda import cublas

Device, Event, Stream = (type(name, (), {}) for name in ("Device", "Event", "Stream"))


def set_allocator(allocator):
    """Chainer sets its pools."""


set_pinned_memory_allocator = set_allocator
'''

ONNX_HELPER = """\
TABLE = {1: ("float32", 1), 9: ("bool", 6), 16: ("float32", 5)}
FIELDS = {1: "float_data", 5: "int32_data", 6: "int32_data"}
get_all_tensor_dtypes = TABLE.keys
tensor_dtype_to_field = FIELDS.__getitem__


def tensor_dtype_to_np_dtype(kind):
    return TABLE[kind][0]


def tensor_dtype_to_storage_tensor_dtype(kind):
    return TABLE[kind][1]
"""

FILES = {
    "cupy/cupy/__init__.py": CUPY,
    "cupy/cupy/_util.py": "class PerformanceWarning(RuntimeWarning):\n    pass\n",
    "cupy/cupy/cuda/__init__.py": CUDA,
    "cupy/cupy/cuda/cublas.py": "",
    "cupy/cupyx/__init__.py": "",
    "cupy/cupyx/scipy/__init__.py": "",
    "cupy/cupyx/scipy/linalg.py": "",
    "cupy/cupyx/scipy/special.py": "",
    "onnx/onnx/__init__.py": "from onnx import helper\n\n\n"
    "class TensorProto:\n    FLOAT, BOOL, COMPLEX128, BFLOAT16 = 1, 9, 15, 16\n",
    "onnx/onnx/helper.py": ONNX_HELPER,
}


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one folder a stand-in, each fit for ``PYTHONPATH``."""
    folder = tmp_path_factory.mktemp("stand_ins")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
