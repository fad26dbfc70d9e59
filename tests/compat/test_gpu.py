"""On a machine with a GPU and CuPy 13 or 14: what Chainer's kernels need from the patches."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

import chainer_ft  # noqa: F401  (before chainer)

pytestmark = pytest.mark.gpu


def gradients(link: Any) -> list[Any]:
    return [param.grad for _, param in sorted(link.namedparams())]


def test_cuda_is_available(cuda: Any) -> None:
    assert cuda.available
    if cuda._cupy_major >= 14:
        assert not cuda.cudnn_enabled
    cuda.check_cuda_available()  # pytest turns its advice into an error


def test_a_training_step_agrees_with_the_cpu(cuda: Any) -> None:
    import chainer
    from chainer import functions, links

    def step(device: str) -> list[Any]:
        model = chainer.Sequential(
            links.Convolution2D(3, 4, 3, initialW=chainer.initializers.Constant(0.1)),
            links.BatchNormalization(4),
            functions.relu,
            lambda x: functions.max_pooling_2d(x, 2),
            links.Linear(36, 2, initialW=chainer.initializers.Constant(0.2)),
        )
        model.to_device(device)
        x = np.linspace(-1, 1, 2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)
        loss = functions.softmax_cross_entropy(
            model(model.xp.asarray(x)), model.xp.asarray([0, 1], np.int32)
        )
        model.cleargrads()
        loss.backward()
        return [cuda.to_cpu(grad) for grad in gradients(model)]

    for on_gpu, on_cpu in zip(step("@cupy:0"), step("@numpy"), strict=True):
        np.testing.assert_allclose(on_gpu, on_cpu, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_hierarchical_softmax_in_both_precisions(cuda: Any, dtype: Any) -> None:
    import chainer
    from chainer import links

    with chainer.using_config("dtype", dtype):
        link = links.BinaryHierarchicalSoftmax(4, ((0, 1), 2))
    link.to_device("@cupy:0")
    x = chainer.Variable(cuda.cupy.ones((3, 4), dtype))
    loss = link(x, cuda.cupy.arange(3, dtype=np.int32))
    link.cleargrads()
    loss.backward()
    assert link.W.grad.dtype == x.grad.dtype == dtype
    assert np.isfinite(cuda.to_cpu(link.W.grad)).all()


def test_the_parallel_updater_gathers_and_scatters(cuda: Any) -> None:
    from chainer import links
    from chainer.training.updaters import multiprocess_parallel_updater as updater

    link = links.Linear(3, 2)
    link.to_device("@cupy:0")
    before = cuda.to_cpu(link.W.array)
    gathered = updater.gather_params(link)
    assert gathered.size == 8
    updater.scatter_params(link, gathered * 2)
    np.testing.assert_allclose(cuda.to_cpu(link.W.array), before * 2, rtol=1e-6)


def test_batched_kernels_of_chainermn_compile(cuda: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package: Any = ModuleType("mpi4py")
    package.MPI = MagicMock()
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", package.MPI)
    from chainermn.communicators import _memory_utility

    for kernel in (
        _memory_utility._cupy_batched_pack_params(),
        _memory_utility._cupy_batched_unpack_params(),
    ):
        kernel.compile()
        assert kernel.max_threads_per_block >= 128  # what ChainerMN launches it with
