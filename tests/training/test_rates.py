"""Multipliers follow the optimizer's own rate, for nine optimizers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import chainer
import numpy as np
import pytest
from chainer import functions as F  # noqa: N812
from chainer import links as L  # noqa: N812
from chainer import optimizer_hooks, optimizers
from chainer.training import extensions
from training_nets import OPTIMIZERS, net

import chainer_ft as ft
from chainer_ft.errors import RuleError
from chainer_ft.training.parameters import tuning_of

RATES = {"AdaDelta": "rho", "Adam": "alpha", "AdamW": "alpha", "AMSGrad": "alpha"}
SLOPES = np.array([[1.0, -2.0, 0.5]], np.float32)


def pair() -> chainer.Chain:
    """Two links that start equal; the loss is linear in both, so that gradients never change."""
    model = chainer.Chain(slow=L.Linear(3, 1, nobias=True), fast=L.Linear(3, 1, nobias=True))
    model.slow.W.array[...] = model.fast.W.array[...] = 1
    return model


def steps(model: chainer.Chain, optimizer: Any, count: int = 3) -> tuple[Any, Any]:
    """How far each of the two went."""
    start = model.slow.W.array.copy(), model.fast.W.array.copy()
    for _ in range(count):
        optimizer.update(lambda: F.sum(model.slow(SLOPES)) + F.sum(model.fast(SLOPES)))
    return model.slow.W.array - start[0], model.fast.W.array - start[1]


@pytest.mark.parametrize("name", OPTIMIZERS)
class TestMultiplier:
    @pytest.mark.parametrize("when", ["before", "after", "twice"])
    def test_every_step_is_that_much_of_what_it_would_be(self, name: str, when: str) -> None:
        model, optimizer = pair(), OPTIMIZERS[name]()
        optimizer.weight_decay_rate = 0  # decay depends on where the weights are
        if when != "before":
            optimizer.setup(model)
        ft.learning_rates(model, {"/slow": 0.25})
        if when != "after":
            optimizer.setup(model)
        slow, fast = steps(model, optimizer)
        assert np.abs(fast).min() > 0
        np.testing.assert_allclose(slow, 0.25 * fast, rtol=2e-4)

    def test_it_follows_a_schedule(self, name: str) -> None:
        model, optimizer = pair(), OPTIMIZERS[name]()
        optimizer.setup(model)
        rate = RATES.get(name, "lr")
        optimizer.weight_decay_rate = 0
        ft.learning_rates(model, {"/slow": 0.25})
        for factor in (1.0, 0.5, 0.9):
            setattr(optimizer, rate, getattr(optimizer, rate) * factor)
            slow, fast = steps(model, optimizer, 1)
            np.testing.assert_allclose(slow, 0.25 * fast, rtol=2e-3)

    def test_half_precision_with_a_master_copy(self, name: str) -> None:
        model, optimizer = pair(), OPTIMIZERS[name]()
        for link in model.children():
            link.W.array = link.W.array.astype(np.float16)
        optimizer.weight_decay_rate = 0
        optimizer.use_fp32_update()
        optimizer.setup(model)
        ft.learning_rates(model, {"/slow": 0.25})
        slow, fast = steps(model, optimizer, 2)
        assert model.slow.W.dtype == np.float16
        np.testing.assert_allclose(slow, 0.25 * fast, atol=2e-3)

    def test_zero_moves_nothing(self, name: str) -> None:
        model = pair()
        ft.learning_rates(model, {"/slow": 0})
        slow, fast = steps(model, OPTIMIZERS[name]().setup(model))
        assert not slow.any() and fast.any()


def test_an_exponential_shift_of_the_trainer_reaches_it() -> None:
    model = pair()
    optimizer = optimizers.SGD(0.1).setup(model)
    ft.learning_rates(model, {"/slow": 0.5})
    shift = extensions.ExponentialShift("lr", 0.1, optimizer=optimizer)
    trainer = chainer.training.Trainer(
        chainer.training.StandardUpdater(chainer.iterators.SerialIterator([0], 1), optimizer)
    )
    shift.initialize(trainer)
    shift(trainer)
    slow, _ = steps(model, optimizer, 1)
    np.testing.assert_allclose(slow, -0.5 * 0.01 * SLOPES, rtol=1e-4)


def test_a_rate_of_ones_own_is_multiplied_too() -> None:
    model = pair()
    optimizer = optimizers.SGD(0.1).setup(model)
    model.slow.W.update_rule.hyperparam.lr = 0.2
    ft.learning_rates(model, {"/slow": 0.5})
    np.testing.assert_allclose(steps(model, optimizer, 1)[0], -0.1 * SLOPES, rtol=1e-5)
    model.slow.W.update_rule.hyperparam.lr = 0.4
    np.testing.assert_allclose(steps(model, optimizer, 1)[0], -0.2 * SLOPES, rtol=1e-5)
    ft.learning_rates(model)
    assert model.slow.W.update_rule.hyperparam.lr == 0.4
    assert type(model.slow.W) is chainer.Parameter


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_keep_it(clone: Any) -> None:
    model = pair()
    optimizers.SGD(0.1).setup(model)
    ft.learning_rates(model, {"/slow": 0.5}, decay={"/slow": 0.1})
    twin = clone(model)
    assert tuning_of(twin.slow.W).lr_mult == 0.5 and tuning_of(twin.slow.W).decay_mult == 0.1
    assert twin.slow.W.update_rule.hyperparam.lr == pytest.approx(0.05)
    slow, fast = steps(twin, optimizers.SGD(0.1).setup(twin))
    np.testing.assert_allclose(slow, 0.5 * fast, rtol=1e-4)


class TestDecay:
    @pytest.mark.parametrize("hook", [optimizer_hooks.WeightDecay, optimizer_hooks.Lasso])
    @pytest.mark.parametrize("factor", [0.0, 0.5, 3.0])
    def test_hooks(self, hook: Any, factor: float) -> None:
        model = pair()
        optimizer = optimizers.SGD(1.0).setup(model)
        optimizer.add_hook(hook(0.1))
        ft.learning_rates(model, decay={"/slow": factor})
        slow, fast = steps(model, optimizer, 1)
        np.testing.assert_allclose(slow, -SLOPES - 0.1 * factor, rtol=1e-5)
        np.testing.assert_allclose(fast, -SLOPES - 0.1, rtol=1e-5)
        assert optimizer._hookable._pre_update_hooks[hook.name].rate == 0.1

    def test_decoupled_decay_of_adamw(self) -> None:
        model = pair()
        optimizer = optimizers.AdamW(alpha=0.0, weight_decay_rate=0.1).setup(model)
        ft.learning_rates(model, decay={"/slow": 0.5})
        slow, fast = steps(model, optimizer, 1)
        np.testing.assert_allclose(slow, -0.05 * np.ones((1, 3)), rtol=1e-4)
        np.testing.assert_allclose(fast, -0.1 * np.ones((1, 3)), rtol=1e-4)

    def test_the_rate_multiplies_decoupled_decay_with_the_step(self) -> None:
        model = pair()
        optimizer = optimizers.AdamW(alpha=0.01, weight_decay_rate=0.1).setup(model)
        ft.learning_rates(model, {"/slow": 0.5})
        slow, fast = steps(model, optimizer, 1)
        np.testing.assert_allclose(slow, 0.5 * fast, rtol=1e-4)


class TestRules:
    def test_what_no_rule_names_gets_one_again(self) -> None:
        model = pair()
        ft.learning_rates(model, {"/slow": 0.5})
        assert ft.learning_rates(model, {"/fast": 2}).lr == {"/fast/W": 2.0}
        assert tuning_of(model.slow.W).lr_mult == 1.0

    def test_two_factors_for_one_parameter(self) -> None:
        with pytest.raises(RuleError, match=r"/fc/W: '/\*\*' gives it 0.1, '/fc' gives it 10; .*"):
            ft.learning_rates(net(), {"/**": 0.1, "/fc": 10})

    def test_the_same_factor_twice_is_none(self) -> None:
        assert ft.learning_rates(pair(), {"/slow": 2, "/slow/W": 2}).lr == {"/slow/W": 2.0}

    def test_a_shared_parameter_needs_one_name_only(self) -> None:
        model = net()
        ft.learning_rates(model, {"/tied/1": 0.5})
        assert tuning_of(model.tied[0].W).lr_mult == 0.5
        with pytest.raises(RuleError, match="/tied/0/W and /tied/1/W are one parameter"):
            ft.learning_rates(model, {"/tied/0": 2, "/tied/1": 3})
        assert tuning_of(model.tied[0].W).lr_mult == 0.5

    def test_nothing_hit(self) -> None:
        with pytest.raises(RuleError, match="'/fc9' hits nothing; nearest: /fc"):
            ft.learning_rates(net(), {"/fc9": 2})

    @pytest.mark.parametrize("factor", [-1, float("nan"), float("inf")])
    def test_no_factor(self, factor: float) -> None:
        with pytest.raises(RuleError, match="a multiplier is 0 or more"):
            ft.learning_rates(net(), {"/fc": factor})

    def test_frozen_and_multiplied(self) -> None:
        model = pair()
        ft.learning_rates(model, {"/slow": 0.5})
        ft.freeze(model, "/slow")
        ft.unfreeze(model)
        assert tuning_of(model.slow.W).lr_mult == 0.5
        slow, fast = steps(model, optimizers.SGD(0.1).setup(model))
        np.testing.assert_allclose(slow, 0.5 * fast, rtol=1e-4)


class TestLayerwise:
    def test_from_the_head_down_in_the_models_order(self) -> None:
        model = net()
        rates = ft.layerwise_decay(model, 0.5)
        assert rates["/fc/W"] == 1 and rates["/tied/1/b"] == 0.5 and rates["/tied/0/b"] == 0.25
        assert rates["/conv1/W"] == 0.5 ** (len({p.rpartition("/")[0] for p in rates}) - 1)
        assert next(iter(rates)) == "/conv1/W"

    def test_they_can_be_set(self) -> None:
        model = chainer.Sequential(L.Linear(2, 2), L.Linear(2, 2), L.Linear(2, 1))
        ft.learning_rates(model, ft.layerwise_decay(model, 0.1))
        assert [tuning_of(link.W).lr_mult for link in model] == pytest.approx([0.01, 0.1, 1])

    @pytest.mark.parametrize("decay", [0, -0.1, 1.1])
    def test_no_decay(self, decay: float) -> None:
        with pytest.raises(RuleError, match="over 0 and at most 1"):
            ft.layerwise_decay(net(), decay)


def test_layerwise_decay_of_names_that_look_like_patterns() -> None:
    model = chainer.Chain()
    for name in ("a[0]", "a0", "a*"):
        model.add_link(name, L.Linear(2, 2, nobias=True))
    rates = ft.learning_rates(model, ft.layerwise_decay(model, 0.5))
    assert rates.lr == {"/a[0]/W": 0.25, "/a0/W": 0.5}


@pytest.mark.parametrize("factor", ["0.1", None, float("nan"), -1])
def test_a_factor_that_is_no_number_is_named(factor: Any) -> None:
    with pytest.raises(RuleError, match="'/slow': a multiplier is 0 or more, not"):
        ft.learning_rates(pair(), {"/slow": factor})
