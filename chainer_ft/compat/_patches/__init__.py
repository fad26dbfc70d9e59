"""Every patch, area by area. `docs/compat.md` holds the same list as a table."""

from __future__ import annotations

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._patches import (
    caffe_pb2,
    chainermn,
    cupy_kernels,
    h5py_strings,
    numpy_aliases,
    numpy_arrays,
    numpy_names,
    numpy_scalars,
    onnx_mapping,
    pkg_resources,
    scipy_sparse,
    spawn,
    threads,
)

PATCHES: tuple[Patch, ...] = (
    *numpy_names.PATCHES,
    *pkg_resources.PATCHES,
    *caffe_pb2.PATCHES,
    *numpy_arrays.PATCHES,
    *numpy_scalars.PATCHES,
    *chainermn.PATCHES,
    *scipy_sparse.PATCHES,
    *h5py_strings.PATCHES,
    *threads.PATCHES,
    *spawn.PATCHES,
    *cupy_kernels.PATCHES,
    *onnx_mapping.PATCHES,
    *numpy_aliases.PATCHES,
)
