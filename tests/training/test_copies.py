"""The copies of a ParallelUpdater: frozen with the model, and resumed with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from chainer import training
from training_nets import batch
from training_runs import assert_equal, model_of, result, trainer

import chainer_ft as ft
from chainer_ft.errors import UsageError
from chainer_ft.training.copies import copies_of, follow

LOWER = ("/predictor/conv1", "/predictor/bn1")
Extend = Callable[[training.Trainer], None]


def parallel(iterator: Any, optimizer: Any) -> Any:
    """Of a model whose arrays have been made: copies of a lazy one make their own."""
    with chainer.using_config("train", False):
        optimizer.target.predictor(batch()[0])
    return lazily_parallel(iterator, optimizer)


def lazily_parallel(iterator: Any, optimizer: Any) -> Any:
    cpu = chainer.get_device("@numpy")
    return training.updaters.ParallelUpdater(
        iterator, optimizer, devices={"main": cpu, "second": cpu}
    )


def nothing(made: training.Trainer) -> None:
    """Extend by nothing."""


def with_freeze(made: training.Trainer) -> None:
    made.extend(ft.extensions.Freeze(*LOWER, until="3 iterations"))


def with_schedule(made: training.Trainer) -> None:
    phases = [ft.Phase("2 iterations", freeze=LOWER), ft.Phase(freeze="/predictor/fc", lr=0.5)]
    made.extend(ft.extensions.Schedule(ft.Schedule(phases)))


@pytest.mark.parametrize("extend", [nothing, with_freeze, with_schedule])
@pytest.mark.parametrize("at", [1, 3])
def test_a_resumed_run_is_the_unbroken_one(extend: Extend, at: int, tmp_path: Path) -> None:
    whole = result(trainer(tmp_path / "a", 5, extend, updater=parallel))
    resumed = trainer(tmp_path / "b", 5, extend, updater=parallel)
    chainer.serializers.load_npz(tmp_path / "a" / f"at_{at}", resumed)
    assert_equal(result(resumed), whole)


class Recurrent(chainer.Chain):
    """Goes on in the same sentence."""

    def __init__(self) -> None:
        super().__init__(lstm=L.LSTM(108, 4), fc=L.Linear(4, 3))

    def forward(self, x: Any) -> Any:
        for state in (self.lstm.h, self.lstm.c):
            if state is not None:
                state.unchain()
        return self.fc(self.lstm(x.reshape(len(x), -1)))


def test_each_copy_goes_on_in_its_own_sentence(tmp_path: Path) -> None:
    def made(out: str) -> training.Trainer:
        def build(iterator: Any, optimizer: Any) -> Any:
            optimizer.setup(L.Classifier(Recurrent()))
            return lazily_parallel(iterator, optimizer)

        return trainer(tmp_path / out, 5, nothing, updater=build)

    whole, resumed = made("a"), made("b")
    expected = result(whole)
    chainer.serializers.load_npz(tmp_path / "a" / "at_3", resumed)
    assert_equal(result(resumed), expected)


@pytest.mark.parametrize("updater", [parallel, lazily_parallel])
def test_an_extension_freezes_the_copies_too(updater: Any, tmp_path: Path) -> None:
    frozen: list[Any] = []

    def extend(made: training.Trainer) -> None:
        with_freeze(made)
        made.extend(look, trigger=(1, "iteration"), name="look", priority=-60)

    def look(made: training.Trainer) -> None:
        frozen.append([ft.frozen(one).links for one in made.updater._models.values()])

    made = trainer(tmp_path, 4, extend, updater=updater)
    made.run()
    assert frozen == [[LOWER] * 2, [LOWER] * 2, [(), ()], [(), ()]]


def test_what_the_script_froze_after_the_copies_were_made_is_frozen_in_them(tmp_path: Path) -> None:
    made = trainer(tmp_path, 2, lambda made: made.extend(ft.extensions.Freeze()), updater=parallel)
    ft.freeze(model_of(made), *LOWER)
    made.run()
    (copy,) = copies_of(made.updater).values()
    ft.frozen(copy).check()
    assert ft.frozen(copy).links == LOWER


def test_an_updater_that_calls_something_else_its_models_has_no_copies() -> None:
    class Own(training.StandardUpdater):  # type: ignore[misc]
        _models: Any = {"generator": L.Linear(2, 2)}  # noqa: RUF012

    examples = chainer.iterators.SerialIterator(np.zeros((4, 2), np.float32), 2)
    own = Own(examples, chainer.optimizers.SGD().setup(L.Linear(2, 2)))
    assert copies_of(own) == {}
    follow(own)


def test_workers_that_copy_once_would_not_hear_of_a_thaw() -> None:
    updater = SimpleNamespace(
        setup_workers=None,
        _devices=[0, 1],
        get_all_optimizers=lambda: {"main": SimpleNamespace(target=L.Linear(2, 2))},
    )
    with pytest.raises(UsageError, match="would never hear of the thaw"):
        ft.extensions.Freeze("/W", until="1 epoch").initialize(SimpleNamespace(updater=updater))
