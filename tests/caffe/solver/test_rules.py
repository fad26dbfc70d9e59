"""Any combination of type, clipping, averaging, decay and multipliers, against plain formulas."""

from __future__ import annotations

from typing import Any

import chainer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.caffe.solver import Optimizer
from chainer_ft.caffe.solver.rules import CaffeRule

TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")
Arrays = list[np.ndarray]


class Plain:
    """Caffe's update in double precision, from its documentation."""

    def __init__(self, options: dict[str, Any], mults: list[tuple[float, float]]) -> None:
        self.o, self.mults, self.t = options, mults, 0
        self.h: list[Arrays] = [[np.zeros(3), np.zeros(3)] for _ in mults]

    def step(self, weights: Arrays, gradients: Arrays) -> None:
        o = self.o
        live = [g for g, (rate, _) in zip(gradients, self.mults, strict=True) if rate]
        norm = np.sqrt(sum((g**2).sum() for g in live))
        clip = o["clip_gradients"]
        factor = clip / norm if 0 <= clip < norm else 1.0
        self.t += 1
        for i, (w, g) in enumerate(zip(weights, gradients, strict=True)):
            rate, decay = self.mults[i]
            g = g * factor / o["iter_size"] if rate else np.zeros(3)
            shrink = np.sign(w) if o["regularization_type"] == "L1" else w
            g = g + o["weight_decay"] * decay * shrink
            w -= self.update(g, self.h[i], 0.1 * rate)

    def update(self, g: np.ndarray, h: Arrays, rate: float) -> np.ndarray:
        o, m, d = self.o, self.o["momentum"], self.o["delta"]
        kind = o["type"]
        if kind == "SGD":
            h[0] = m * h[0] + rate * g
            return h[0]
        if kind == "Nesterov":
            old, h[0] = h[0], m * h[0] + rate * g
            return (1 + m) * h[0] - m * old
        if kind == "AdaGrad":
            h[0] = h[0] + g**2
            return rate * g / (np.sqrt(h[0]) + d)
        if kind == "RMSProp":
            h[0] = o["rms_decay"] * h[0] + (1 - o["rms_decay"]) * g**2
            return rate * g / (np.sqrt(h[0]) + d)
        if kind == "AdaDelta":
            h[0] = m * h[0] + (1 - m) * g**2
            x = g * np.sqrt((h[1] + d) / (h[0] + d))
            h[1] = m * h[1] + (1 - m) * x**2
            return rate * x
        h[0], h[1] = m * h[0] + (1 - m) * g, o["momentum2"] * h[1] + (1 - o["momentum2"]) * g**2
        correction = np.sqrt(1 - o["momentum2"] ** self.t) / (1 - m**self.t)
        return rate * correction * h[0] / (np.sqrt(h[1]) + d)


@given(
    options=st.fixed_dictionaries(
        {
            "type": st.sampled_from(TYPES),
            "momentum": st.sampled_from([0.0, 0.5, 0.9]),
            "momentum2": st.sampled_from([0.9, 0.999]),
            "rms_decay": st.sampled_from([0.0, 0.9]),
            "delta": st.sampled_from([1e-3, 1e-6]),
            "weight_decay": st.sampled_from([0.0, 0.01, 0.5]),
            "regularization_type": st.sampled_from(["L1", "L2"]),
            "clip_gradients": st.sampled_from([-1.0, 0.0, 0.5, 100.0]),
            "iter_size": st.integers(1, 3),
        }
    ),
    mults=st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 2.5, -1.0]), st.sampled_from([0.0, 1.0, 2.0])),
        min_size=1,
        max_size=3,
    ),
    seed=st.integers(0, 999),
)
def test_every_combination(
    options: dict[str, Any], mults: list[tuple[float, float]], seed: int
) -> None:
    if options["type"] in ("AdaGrad", "RMSProp"):
        options = {**options, "momentum": 0.0}
    random = np.random.RandomState(seed)
    start = [random.randn(3) for _ in mults]
    model = chainer.Link()
    with model.init_scope():
        for i, array in enumerate(start):
            setattr(model, f"w{i}", chainer.Parameter(array.astype("f4")))
    optimizer = Optimizer(policy=0.1, **options).setup(model)
    slots = []
    for i, (rate, decay) in enumerate(mults):
        rule = optimizer.slots[i].rule
        rule.hyperparam.lr_mult, rule.hyperparam.decay_mult = rate, decay
        slots.append(getattr(model, f"w{i}"))
    plain, weights = Plain(options, mults), [array.copy() for array in start]
    for _ in range(4):
        gradients = [random.randn(3) if rate else np.zeros(3) for rate, _ in mults]
        for parameter, gradient in zip(slots, gradients, strict=True):
            parameter.grad = gradient.astype("f4")
        optimizer.update()
        plain.step(weights, gradients)
        for parameter, expected in zip(slots, weights, strict=True):
            np.testing.assert_allclose(parameter.array, expected, rtol=2e-3, atol=2e-4)


def test_a_rule_without_a_formula_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Unfinished", (CaffeRule,), {})()
