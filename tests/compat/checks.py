"""One check a patch: `python checks.py NAME` fails if the patch NAME is what is missing.

Run in a process of its own by ``test_patches.py``, once as it is and once with
``CHAINER_FT_COMPAT_SKIP=NAME``, always with warnings as errors.
"""

from __future__ import annotations

import sys
import tempfile
import types
from pathlib import Path
from typing import Any

CHECKS: dict[str, Any] = {}


def check(function: Any) -> Any:
    CHECKS[function.__name__.replace("_", "-")] = function
    return function


def without_setuptools() -> None:
    """As if setuptools were not installed; environments of tests usually have it."""
    for name in ("setuptools", "pkg_resources", "distutils", "_distutils_hack"):
        sys.modules[name] = None  # type: ignore[assignment]


@check
def numpy_sctypes() -> None:
    import numpy as np
    from chainer import functions

    y = functions.as_strided(np.arange(4, dtype=np.float32), (2, 2), (1, 1))
    assert y.array.tolist() == [[0, 1], [1, 2]]


@check
def numpy_float() -> None:
    import numpy as np
    from chainer import functions

    y = functions.resize_images(np.ones((1, 1, 2, 2), np.float32), (3, 3))
    assert y.array.tolist() == [[[[1.0] * 3] * 3]]


@check
def environment_check() -> None:
    without_setuptools()
    import chainer

    assert chainer.__version__.startswith("7.8.1")


@check
def testing_helper() -> None:
    without_setuptools()
    from chainer.testing import helper

    assert helper.with_requires("numpy>=1.10")(len) is len
    skipped = helper.with_requires("numpy<1.10")(lambda: None)
    assert "requires: numpy<1.10" in skipped.__unittest_skip_why__
    assert sys.modules.get("pkg_resources") is None, "lent for that import only"


@check
def testing_doctest_helper() -> None:
    without_setuptools()
    from chainer.testing import doctest_helper

    assert doctest_helper.skipif_requires_satisfied("numpy>=1.10")
    assert not doctest_helper.skipif_requires_satisfied("no-such-distribution")


@check
def caffe_pb2() -> None:
    import numpy as np
    from chainer.links.caffe import CaffeFunction
    from chainer.links.caffe.protobuf3 import caffe_pb2 as messages
    from google.protobuf.internal import api_implementation

    net = messages.NetParameter(name="tiny")
    layer = net.layer.add(name="fc", type="InnerProduct", bottom=["data"], top=["fc"])
    layer.inner_product_param.num_output = 2
    layer.blobs.add(data=[1, 2, 3, 4, 5, 6]).shape.dim.extend([2, 3])
    layer.blobs.add(data=[10, 20]).shape.dim.append(2)
    path = Path(tempfile.mkdtemp()) / "tiny.caffemodel"
    path.write_bytes(net.SerializeToString())
    (y,) = CaffeFunction(str(path))({"data": np.ones((1, 3), np.float32)}, ["fc"])
    assert y.array.tolist() == [[16, 35]]
    assert messages.Phase.Value("TEST") == messages.TEST == 1
    assert api_implementation.Type() == "upb", "the C implementation is there"


@check
def categorical_meshgrid() -> None:
    import chainer
    import numpy as np

    p = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
    drawn = np.array([1, 0])
    for x in (drawn, chainer.Variable(drawn)):
        log_prob = chainer.distributions.Categorical(p).log_prob(x)
        np.testing.assert_allclose(log_prob.array, np.log([0.75, 0.5]), rtol=1e-6)
    single = chainer.distributions.Categorical(p[0]).log_prob(np.array(1))
    np.testing.assert_allclose(single.array, np.log(0.75), rtol=1e-6)


@check
def pad_sequence_wrap() -> None:
    import numpy as np
    from chainer import functions

    y = functions.pad_sequence([np.ones(2, np.uint8), np.ones(1, np.uint8)], padding=-1)
    assert y.array.tolist() == [[1, 1], [1, 255]]


@check
def concat_padding() -> None:
    import chainer
    import numpy as np

    arrays = [np.ones(size, np.uint8) for size in ((1, 2), (2, 1))]
    y = chainer.dataset.concat_examples(arrays, padding=-1)
    assert y.dtype == np.uint8
    assert y.tolist() == [[[1, 1], [255, 255]], [[1, 255], [1, 255]]]
    assert chainer.dataset.concat_examples([np.array(1.0)] * 2, padding=0).tolist() == [1, 1]


@check
def variable_device() -> None:
    import chainer
    import numpy as np

    assert "\n- device: CPU\n" in chainer.Variable(np.zeros(2, np.float32)).debug_print()


@check
def unpack_params_copy() -> None:
    stand_in_mpi4py()
    import chainer
    import numpy as np
    from chainermn.communicators import _memory_utility

    class Buffer:
        def to_device(self, array: Any, size: int, offset: int, stream: Any) -> None:
            assert (size, array.dtype) == (4, np.float16)
            array[...] = 1 + offset

    params = [chainer.Parameter(np.zeros(2, np.float32)) for _ in range(2)]
    params[0].grad = np.zeros(2, np.float32)
    params[1].cleargrad()
    _memory_utility.unpack_params(params, "grad", Buffer(), np.float16, zero_fill=True)
    assert [p.grad.tolist() for p in params] == [[1, 1], [5, 5]]
    assert params[0].grad.dtype == np.float32


@check
def fix_trunc() -> None:
    import chainer
    import numpy as np
    from chainer import functions

    x = np.array([-1.5, -0.5, 1.5], np.float32)
    for value in (x, chainer.Variable(x)):
        y = functions.fix(value)
        assert y.dtype == np.float32
        assert y.array.tolist() == [-1, 0, 1]
    assert functions.fix.__doc__.startswith("Elementwise fix")


@check
def maxout_shape() -> None:
    import numpy as np
    from chainer import links

    shapes = []

    def fill(array: Any) -> None:
        shapes.append(array.shape)
        array[...] = np.arange(array.size).reshape(array.shape)

    link = links.Maxout(2, 3, 4, initialW=fill, initial_bias=fill)
    assert shapes == [(3, 4, 2), (3, 4)]
    assert link.linear.W.array.tolist() == np.arange(24).reshape(12, 2).tolist()
    assert links.Maxout(2, 3, 4, initialW=1, initial_bias=None).linear.b is None


def micro_average(numerators: list[Any], denominators: list[Any]) -> Any:
    import chainer
    from chainer.training.extensions import MicroAverage

    extension = MicroAverage("n", "d", "mean", trigger=(len(numerators), "iteration"))
    extension._trigger = iter([False] * (len(numerators) - 1) + [True]).__next__
    extension._trigger = lambda trainer, fire=extension._trigger: fire()
    result: dict[str, Any] = {}
    for n, d in zip(numerators, denominators, strict=True):
        trainer = types.SimpleNamespace(observation={"n": n, "d": d})
        with chainer.reporter.Reporter().scope(result):
            extension(trainer)
        assert trainer.observation["n"] is n
    return result["mean"]


@check
def micro_average_float() -> None:
    import numpy as np

    assert micro_average([np.array([3.0])], [np.array(4.0)]) == 0.75


@check
def micro_average_float64() -> None:
    import numpy as np

    count = 5000
    mean = micro_average([np.float16(0.9)] * count, [np.int32(1)] * count)
    assert abs(mean - 0.9) < 1e-3, mean


@check
def summary_float64() -> None:
    import chainer
    import numpy as np

    summary = chainer.reporter.Summary()
    for _ in range(20000):
        summary.add(np.float16(0.9))
    mean, deviation = summary.make_statistics()
    assert abs(mean - 0.9) < 1e-3, mean
    assert deviation < 1e-3


@check
def multi_node_iterator_int() -> None:
    stand_in_mpi4py()
    import numpy as np
    from chainermn.iterators import multi_node_iterator

    sent = iter([np.array([5]), np.array([-1])])
    communicator = types.SimpleNamespace(bcast=lambda value, root: next(sent))
    assert multi_node_iterator._MultiNodeIteratorSlave(communicator, 0).dataset_size == 5


@check
def gradient_clipping_float64() -> None:
    import chainer
    import numpy as np

    class Two(chainer.Link):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            with self.init_scope():
                self.a = chainer.Parameter(np.zeros(1, np.float16))
                self.b = chainer.Parameter(np.zeros(1, np.float16))

    link = Two()
    for param in link.params():
        param.grad = np.full(1, 200, np.float16)
    chainer.optimizer_hooks.GradientClipping(1.0)(types.SimpleNamespace(target=link))
    np.testing.assert_allclose([p.grad[0] for p in link.params()], 0.5**0.5, rtol=1e-2)


@check
def sparse_float16() -> None:
    import numpy as np
    from chainer import functions, utils

    eye = np.eye(2, dtype=np.float16)
    for a in (eye, eye[None]):
        y = functions.sparse_matmul(utils.to_coo(a), a * 3)
        assert y.array.dtype == np.float16
        assert (y.array == a * 3).all()


@check
def hdf5_strings() -> None:
    import chainer
    import h5py

    path = str(Path(tempfile.mkdtemp()) / "text.h5")
    with h5py.File(path, "w") as file:
        file["text"] = "naïve"
        chainer.serializers.HDF5Serializer(file)("number", 3)
    with h5py.File(path, "r") as file:
        deserializer = chainer.serializers.HDF5Deserializer(file)
        assert deserializer("text", "") == "naïve"
        assert deserializer("text", None).item() == "naïve"
        assert deserializer("number", 0) == 3
        assert deserializer("number", None) == 3


@check
def multiprocess_iterator_daemon() -> None:
    import chainer

    iterator = chainer.iterators.MultiprocessIterator([1, 2, 3], 3, n_processes=1, shuffle=False)
    try:
        assert iterator.next() == [1, 2, 3]
    finally:
        iterator.finalize()


@check
def spawn_children() -> None:
    import multiprocessing

    import chainer

    for method in ("spawn", "forkserver"):
        context: Any = multiprocessing.get_context(method)
        child = context.Process(target=chainer.as_variable, args=(None,))
        child.start()
        child.join(120)
        assert child.exitcode == 0, method


@check
def legacy_aliases() -> None:
    from chainer_ft import compat

    compat.legacy_aliases()
    import numpy as np

    assert np.int is int
    assert np.float_ is np.float64
    assert np.product([2, 3]) == 6


@check
def onnx_mapping() -> None:
    import onnx  # a stand-in, see conftest.py
    from onnx.mapping import NP_TYPE_TO_TENSOR_TYPE

    names = {dtype.name: kind for dtype, kind in NP_TYPE_TO_TENSOR_TYPE.items()}
    assert names == {"float32": 1, "bool": 9}
    assert onnx.mapping.TENSOR_TYPE_TO_STORAGE_TENSOR_TYPE == {1: 1, 9: 6, 16: 5}
    assert onnx.mapping.STORAGE_TENSOR_TYPE_TO_FIELD == {
        1: "float_data",
        6: "int32_data",
        5: "int32_data",
    }


def kernel(*arguments: str, **options: str) -> Any:
    """What Chainer hands to the stand-in for CuPy."""
    return chainer_cuda().elementwise(*arguments, **options)


def chainer_cuda() -> Any:
    """``chainer.backends.cuda``, its advice about cuDNN already given."""
    from chainer.backends import cuda

    assert cuda.available
    cuda.check_cuda_available._already_warned = True
    return cuda


@check
def cupy_cudnn_advice() -> None:
    from chainer.backends import cuda

    cuda.check_cuda_available()


@check
def cupy_float16_elementwise() -> None:
    made = kernel("raw T x", "raw float32 y", "float16 *p;", "k", preamble="int a;")
    assert made.kwargs["preamble"] == "#include <cupy/float16.cuh>\nint a;"
    assert made.kwargs["preamble"] != kernel("T x", "T y", "y = x", "k").kwargs.get("preamble")


@check
def cupy_float16_atomic_add() -> None:
    import inspect

    from chainer.links.loss import hierarchical_softmax

    source = inspect.getsource(hierarchical_softmax)
    body = source[source.index("T g = -gloss") :].split("'''")[0]
    code = kernel("T x", "raw T y", body, "binary_hierarchical_softmax_bwd").args[2]
    assert "atomicAdd(&gx[x_ind], static_cast<T>(g * w[w_ind]));" in code
    assert "atomicAdd(&gw[w_ind], static_cast<T>(g * x[x_ind]));" in code
    assert kernel("T x", "T y", body, "other").args[2] == body


@check
def cupy_fp16_raw() -> None:
    cuda = chainer_cuda()
    assert cuda.raw("half x;", "k").args[0] == "#include <cuda_fp16.h>\nhalf x;"
    assert cuda.raw("float x;", "k").args[0] == "float x;"


def stand_in_mpi4py() -> None:
    """ChainerMN imports mpi4py for its constants; no MPI is needed for what is checked."""
    from unittest.mock import MagicMock

    package, mpi = types.ModuleType("mpi4py"), MagicMock()
    package.MPI = mpi  # type: ignore[attr-defined]
    sys.modules.update({"mpi4py": package, "mpi4py.MPI": mpi})


if __name__ == "__main__":
    import chainer_ft  # noqa: F401  (not above, where processes that this starts would get it)

    CHECKS[sys.argv[1]]()
