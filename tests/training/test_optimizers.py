"""An optimizer that the updater does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from chainer import training

import chainer_ft as ft
from chainer_ft.errors import UsageError


def trainer(out: Path) -> training.Trainer:
    """One with two optimizers, as those of GANs are."""
    optimizers = {n: chainer.optimizers.SGD().setup(L.Linear(2, 2)) for n in ("gen", "dis")}
    batches = chainer.iterators.SerialIterator(np.zeros((4, 2), np.float32), 2)
    return training.Trainer(
        training.StandardUpdater(batches, optimizers), (1, "iteration"), out=str(out)
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: ft.extensions.Freeze("/W"),
        lambda: ft.extensions.LearningRates({"/W": 2}),
        lambda: ft.extensions.LRFind(filename=None),
        lambda: ft.extensions.OneCycle(0.1),
        lambda: ft.extensions.Schedule(ft.Schedule.fine_tune()),
        lambda: ft.extensions.Summary(),
        lambda: ft.extensions.WeightDrift(filename=None),
    ],
)
def test_it_is_said_which_there_are(
    make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = trainer(tmp_path)
    made.extend(make())
    with pytest.raises(UsageError, match=r"no optimizer 'main'; it has gen, dis: .*='gen'"):
        made.run()
