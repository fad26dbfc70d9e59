"""Runs with recurrent links, resumed in the middle of a sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from chainer import training
from chainer.training import extensions
from training_nets import arrays, moved

import chainer_ft as ft


class Reader(chainer.Chain):
    """A frozen embedding, a recurrent link that remembers the batch before, a head."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        with self.init_scope():
            self.embed = L.Linear(6, 5)
            self.cell = cell(5, 4)
            self.fc = L.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.fc(self.cell(self.embed(x)))


class Truncated(training.StandardUpdater):
    """Backpropagation through time ends at the batch before."""

    def update_core(self) -> None:
        optimizer = self.get_optimizer("main")
        loss = optimizer.target(*self.converter(self.get_iterator("main").next()))
        optimizer.target.cleargrads()
        loss.backward()
        loss.unchain_backward()
        optimizer.update()


def run(cell: Any, out: Path, *frozen: str) -> training.Trainer:
    random = np.random.RandomState(1)
    np.random.seed(0)
    optimizer = chainer.optimizers.Adam(0.01).setup(L.Classifier(Reader(cell)))
    images, labels = random.randn(24, 6).astype(np.float32), random.randint(0, 3, 24)
    data = chainer.datasets.TupleDataset(images, labels.astype(np.int32))
    batches = chainer.iterators.SerialIterator(data, 8, shuffle=False)
    made = training.Trainer(Truncated(batches, optimizer), (8, "iteration"), out=str(out))
    made.extend(ft.extensions.Freeze(*frozen))
    made.extend(extensions.snapshot(filename="at_{.updater.iteration}"), trigger=(1, "iteration"))
    return made


CELLS = [L.LSTM, L.StatefulGRU, L.StatefulPeepholeLSTM, L.StatefulMGU, L.StatefulZoneoutLSTM]


@pytest.mark.parametrize("frozen", ["/predictor/embed", "/predictor/cell"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_resumed_run_goes_on_in_the_middle_of_a_sequence(
    cell: Any, frozen: str, tmp_path: Path
) -> None:
    whole, resumed = run(cell, tmp_path / "a", frozen), run(cell, tmp_path / "b", frozen)
    whole.run()
    chainer.serializers.load_npz(tmp_path / "a" / "at_4", resumed)
    resumed.run()
    before, after = (made.updater.get_optimizer("main").target for made in (whole, resumed))
    assert moved(arrays(before), after) == set()


def test_what_had_no_state_then_has_none_again(tmp_path: Path) -> None:
    made = run(L.LSTM, tmp_path, "/predictor/embed")
    made.run()
    cell = made.updater.get_optimizer("main").target.predictor.cell
    cell.reset_state()
    chainer.serializers.save_npz(tmp_path / "empty.npz", made)
    cell(np.ones((2, 5), np.float32))
    chainer.serializers.load_npz(tmp_path / "empty.npz", made)
    assert cell.h is None and cell.c is None
