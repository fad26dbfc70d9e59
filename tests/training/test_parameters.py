"""A parameter that knows its part: what Chainer asks of it, and what it keeps."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import links as L  # noqa: N812
from training_nets import net

import chainer_ft as ft
from chainer_ft.training.parameters import tune, tuning_of
from chainer_ft.training.tuned_parameter import TunedParameter
from chainer_ft.training.tuning import Tuning


class Watched(np.ndarray):
    """An array that a weak reference can watch."""


def watched(shape: tuple[int, ...]) -> tuple[Watched, Any]:
    array = np.zeros(shape, np.float32).view(Watched)
    return array, weakref.ref(array)


def frozen_parameter() -> chainer.Parameter:
    param = chainer.Parameter(np.ones(3, np.float32), name="W")
    tune(param, frozen=True)
    return param


def test_the_object_stays_the_same() -> None:
    link = L.Linear(2, 3)
    before = link.W
    tune(link.W, frozen=True)
    assert link.W is before and isinstance(link.W, chainer.Parameter) and link.W.name == "W"
    tune(link.W, frozen=False)
    assert type(link.W) is chainer.Parameter and link.W.name == "W" and link.W.requires_grad


def test_what_is_set_as_gradient_lives_until_it_is_cleared() -> None:
    """Some write into it by its address, later."""
    param = frozen_parameter()
    array, alive = watched((3,))
    param.grad = array
    del array
    gc.collect()
    assert alive() is not None
    np.testing.assert_array_equal(param.grad, np.zeros(3))
    param.cleargrad()
    gc.collect()
    assert alive() is None and param.grad is None


def test_the_optimizers_zeros_are_not_kept() -> None:
    param = frozen_parameter()
    array, alive = watched((3,))
    param._set_grad(array, layout_check=False)
    del array
    gc.collect()
    assert alive() is None and param.grad is not None


def test_a_new_array_is_what_stands_still() -> None:
    model = net()
    ft.freeze(model, "/conv1")
    twin = model.copy("init")
    assert (twin.conv1.W.array != model.conv1.W.array).any()
    ft.frozen(twin).check()
    ft.frozen(model).check()


@pytest.mark.parametrize("changes", [{"lr_mult": 0.5}, {"decay_mult": 0.0}, {"frozen": True}])
def test_copies_have_their_own(changes: Any) -> None:
    param = chainer.Parameter(np.ones(3, np.float32))
    tune(param, **changes)
    for twin in (copy.copy(param), copy.deepcopy(param)):
        assert type(twin) is TunedParameter and tuning_of(twin) == tuning_of(param)
        assert twin.requires_grad is param.requires_grad is twin.node.requires_grad
        tune(twin, **{name: getattr(Tuning(), name) for name in changes})
        assert not tuning_of(param).is_plain


def test_a_parameter_of_no_link_updates_by_hand() -> None:
    param = frozen_parameter()
    param.update()
    param.update_rule = chainer.optimizers.SGD(1.0).create_update_rule()
    param.grad = np.ones(3, np.float32)
    param.update()
    np.testing.assert_array_equal(param.array, np.ones(3))
    tune(param, frozen=False)
    param.grad = np.ones(3, np.float32)
    param.update()
    assert (param.array < 1).all()
