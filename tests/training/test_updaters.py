"""The freeze holds through every updater and iterator that Chainer has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import functions as F  # noqa: N812
from chainer import links as L  # noqa: N812
from chainer import training
from training_nets import OPTIMIZERS, arrays, batch, moved, net

import chainer_ft as ft

BODY = ("/predictor/conv1", "/predictor/bn1", "/predictor/blocks/0")


def frozen_model() -> Any:
    model = L.Classifier(net())
    with chainer.using_config("train", False):
        model.predictor(batch()[0])  # copies of a lazy model are lazy on their own
    ft.freeze(model, *BODY)
    return model


def dataset() -> Any:
    return chainer.datasets.TupleDataset(*batch(24))


def held(model: Any, updater: Any, steps: int = 4) -> None:
    """Run it; what is frozen stands still, all else moves."""
    still, before = ft.frozen(model), arrays(model)
    for _ in range(steps):
        updater.update()
    updater.finalize()
    still.check()
    assert moved(before, model) == set(before) - set(still.digests)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parallel_updater(name: str) -> None:
    model = frozen_model()
    optimizer = OPTIMIZERS[name]().setup(model)
    iterator = chainer.iterators.SerialIterator(dataset(), 8)
    devices = {"main": chainer.get_device("@numpy"), "second": chainer.get_device("@numpy")}
    updater = training.updaters.ParallelUpdater(iterator, optimizer, devices=devices)
    other = updater._models["second"]
    held(model, updater)
    ft.frozen(other).check()
    assert ft.frozen(other).params == ft.frozen(model).params


def test_multiprocess_iterator() -> None:
    model = frozen_model()
    iterator = chainer.iterators.MultiprocessIterator(dataset(), 8, n_processes=2)
    updater = training.StandardUpdater(iterator, chainer.optimizers.Adam().setup(model))
    held(model, updater)


class OneWorker:
    """What ChainerMN's optimizers ask of a communicator, for a world of one."""

    size = 1
    rank = 0

    def bcast_data(self, model: Any) -> None:
        self.sent = [name for name, param in sorted(model.namedparams()) if param.array is not None]

    def multi_node_mean_grad(self, model: Any, zero_fill: bool = False) -> None:
        # As in chainermn.communicators, which cannot be imported without MPI.
        params = [param for _, param in sorted(model.namedparams()) if param.array is not None]
        self.reduced = {id(param) for param in params if param.grad is not None}


def test_chainermns_wrapped_optimizer() -> None:
    chainermn = pytest.importorskip("chainermn.optimizers", reason="needs ChainerMN")
    model = frozen_model()
    world = OneWorker()
    optimizer = chainermn.create_multi_node_optimizer(chainer.optimizers.MomentumSGD(), world)
    optimizer.setup(model)
    iterator = chainer.iterators.SerialIterator(dataset(), 8)
    held(model, training.StandardUpdater(iterator, optimizer))
    frozen = {id(p) for path, p in model.namedparams() if path in ft.frozen(model)}
    assert world.reduced and not world.reduced & frozen


def test_a_trainer_with_the_wrapped_optimizer_and_the_extension(tmp_path: Path) -> None:
    chainermn = pytest.importorskip("chainermn.optimizers", reason="needs ChainerMN")
    model = L.Classifier(net())
    optimizer = chainermn.create_multi_node_optimizer(chainer.optimizers.Adam(), OneWorker())
    optimizer.setup(model)
    iterator = chainer.iterators.SerialIterator(dataset(), 8)
    made = training.Trainer(
        training.StandardUpdater(iterator, optimizer), (4, "iteration"), out=str(tmp_path)
    )
    made.extend(ft.extensions.Freeze(*BODY))
    before = arrays(model)
    made.run()
    assert not {path for path in moved(before, model) if path.startswith(BODY)}


def test_gradients_added_from_a_copy_change_nothing() -> None:
    model = frozen_model()
    twin = model.copy("copy")
    for one in (model, twin):
        one.cleargrads()
        one(*batch()).backward()
    model.addgrads(twin)
    optimizer = chainer.optimizers.SGD().setup(model)
    still = ft.frozen(model)
    optimizer.update()
    still.check()
    assert model.predictor.conv1.W.array is not None
    assert np.isfinite(F.sum(model.predictor.fc.W).array)
