"""Each probe is false where the library still behaves as Chainer 7.8.1 expects."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainer_ft.compat import _probe
from chainer_ft.compat._patches import PATCHES


class OldArray:
    """Does what arrays did in NumPy 1: becomes a number, takes a shape."""

    shape: Any = (1, 2)

    def __float__(self) -> float:
        return 0.0


def old_numpy_names(patch: Any) -> None:
    patch.setattr(np, "sctypes", {}, raising=False)
    patch.setattr(np, "float", float, raising=False)


def old_meshgrid(patch: Any) -> None:
    patch.setattr(np, "meshgrid", lambda *axes: list(axes))


def old_array_function(patch: Any) -> None:
    patch.setattr(np, "array", lambda *args, **options: None)


def old_array_class(patch: Any) -> None:
    patch.setattr(np, "ndarray", OldArray)


def old_arrays(patch: Any) -> None:
    patch.setattr(np, "zeros", lambda *args: OldArray())


def old_fix(patch: Any) -> None:
    patch.setattr(np, "fix", np.trunc)


def old_scalars(patch: Any) -> None:
    patch.setattr(np, "float32", np.float64)


def old_sparse(patch: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    product = SimpleNamespace(dot=lambda vector: vector)
    patch.setattr(sparse, "coo_matrix", lambda *args, **options: product)


def old_protobuf(patch: Any) -> None:
    patch.setattr("google.protobuf.__version__", "3.20.3")


def old_setuptools(patch: Any) -> None:
    patch.setitem(sys.modules, "pkg_resources", SimpleNamespace(__spec__=object()))
    patch.setitem(sys.modules, "numpy.distutils", SimpleNamespace(__spec__=object()))


def old_h5py(patch: Any) -> None:
    h5py = pytest.importorskip("h5py")
    patch.setattr(h5py, "Dataset", object)


def old_threads(patch: Any) -> None:
    patch.setattr(threading.Thread, "setDaemon", lambda self, daemonic: None)


def old_stack(patch: Any) -> None:
    old_setuptools(patch)
    versions = {"numpy": (1, 23, 5), "protobuf": (3, 20, 3)}
    patch.setattr(_probe, "installed", versions.__getitem__)
    patch.setattr(_probe, "sys", SimpleNamespace(version_info=(3, 10), modules=sys.modules))


def cupy_13(patch: Any) -> None:
    patch.setitem(sys.modules, "cupy", SimpleNamespace(__version__="13.6.0"))
    patch.setitem(sys.modules, "chainer.backends.cuda", SimpleNamespace(available=True))


#: The behaviour of old, for each patch whose probe asks for a behaviour.
OLD: dict[str, Any] = {
    "numpy-sctypes": old_numpy_names,
    "numpy-float": old_numpy_names,
    "environment-check": old_setuptools,
    "testing-helper": old_setuptools,
    "testing-doctest-helper": old_setuptools,
    "caffe-pb2": old_protobuf,
    "categorical-meshgrid": old_meshgrid,
    "pad-sequence-wrap": old_array_function,
    "concat-padding": old_array_function,
    "variable-device": old_array_class,
    "unpack-params-copy": old_array_function,
    "fix-trunc": old_fix,
    "maxout-shape": old_arrays,
    "micro-average-float": old_arrays,
    "multi-node-iterator-int": old_arrays,
    "summary-float64": old_scalars,
    "micro-average-float64": old_scalars,
    "gradient-clipping-float64": old_scalars,
    "sparse-float16": old_sparse,
    "hdf5-strings": old_h5py,
    "multiprocess-iterator-daemon": old_threads,
    "spawn-children": old_stack,
    "cupy-cudnn-advice": cupy_13,
    "cupy-float16-elementwise": cupy_13,
    "cupy-float16-atomic-add": cupy_13,
    "cupy-fp16-raw": cupy_13,
}


def test_every_patch_is_covered() -> None:
    elsewhere = {"onnx-mapping", "legacy-aliases"}  # only if missing; only if requested
    assert {patch.name for patch in PATCHES} == OLD.keys() | elsewhere


@pytest.mark.parametrize("name", OLD)
def test_old_behaviour_needs_no_patch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (patch,) = (patch for patch in PATCHES if patch.name == name)
    OLD[name](monkeypatch)
    assert patch.needed() is False


def test_cupy_14_needs_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy_13(monkeypatch)
    monkeypatch.setattr(sys.modules["cupy"], "__version__", "14.2.0")
    assert _probe.cupy_is_14() is True


def test_cupy_that_chainer_cannot_use_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy_13(monkeypatch)
    monkeypatch.setattr(sys.modules["cupy"], "__version__", "14.2.0")
    monkeypatch.setattr(sys.modules["chainer.backends.cuda"], "available", False)
    assert _probe.cupy_is_14() is False


def test_setuptools_that_deprecates_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
    monkeypatch.setattr(_probe.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(_probe, "installed", lambda name: (73, 0, 1))
    assert _probe.pkg_resources_is_gone() is True
    monkeypatch.setattr(_probe, "installed", lambda name: (59, 6, 0))
    assert _probe.pkg_resources_is_gone() is False


def test_what_is_not_installed_has_no_version() -> None:
    assert _probe.installed("no-such-distribution") == ()
