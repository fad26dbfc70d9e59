"""Learning-rate policies: Caffe's values, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainer_ft.caffe.prototxt import parse_solver
from chainer_ft.caffe.solver.rates import Policy, Rate, learning_rate
from chainer_ft.errors import UsageError


def rates(policy: Policy, count: int) -> list[str]:
    rate, shown = Rate(np.float32(0), 0), []
    for t in range(count):
        rate = learning_rate(policy, t, rate.step)
        assert isinstance(rate.value, np.float32)
        shown.append(f"{rate.value:g}")
    return shown


def test_each_policy() -> None:
    assert rates(Policy("fixed", 0.1), 2) == ["0.1", "0.1"]
    assert rates(Policy("step", 1, gamma=0.5, stepsize=2), 5) == ["1", "1", "0.5", "0.5", "0.25"]
    assert rates(Policy("exp", 1, gamma=0.5), 3) == ["1", "0.5", "0.25"]
    assert rates(Policy("inv", 1, gamma=1, power=2), 3) == ["1", "0.25", "0.111111"]
    assert rates(Policy("poly", 1, power=2, max_iter=4), 5) == [
        "1",
        "0.5625",
        "0.25",
        "0.0625",
        "0",
    ]
    assert rates(Policy("sigmoid", 1, gamma=1, stepsize=1), 3) == ["0.268941", "0.5", "0.731059"]


def test_multistep_takes_one_step_an_iteration() -> None:
    policy = Policy("multistep", 1, gamma=0.5, stepvalue=(1, 1, 4))
    assert rates(policy, 6) == ["1", "0.5", "0.25", "0.25", "0.125", "0.125"]


def test_poly_beyond_its_end_is_nan() -> None:
    assert math.isnan(learning_rate(Policy("poly", 1, power=0.5, max_iter=2), 3).value)


def test_a_solver_message_is_a_schedule() -> None:
    solver = parse_solver('base_lr: 0.01 lr_policy: "step" gamma: 0.1 stepsize: 100', "s")
    assert learning_rate(solver, 250) == Rate(np.float32(0.0001), 2)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy("steps", 1), "nearest: step"),
        (Policy("", 1), "no such policy"),
        (Policy("step", 1, gamma=0.1), "stepsize"),
        (Policy("exp", 1, gamma=-1), "gamma"),
        (Policy("sigmoid", 1, gamma=1), "stepsize"),
    ],
)
def test_what_caffe_refuses_is_refused(policy: Policy, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        learning_rate(policy, 0)
