"""What fine-tuning says of a model."""

from __future__ import annotations

import json

import chainer
from chainer import links as L  # noqa: N812

import chainer_ft as ft
from chainer_ft.training.model_state import ModelState, restore, state_of


def test_a_state_is_plain_data() -> None:
    state = ModelState(("/a/W",), {"/a": ("still", "off")}, {"/b/W": 2.0}, {}, (), {"/a/W": "00"})
    assert ModelState.from_dict(json.loads(json.dumps(state.to_dict()))) == state


def test_a_model_is_brought_back_into_its_state() -> None:
    def made() -> chainer.Sequential:
        return chainer.Sequential(L.Linear(2, 2), L.Linear(2, 2), L.Linear(2, 1))

    model, other = made(), made()
    ft.learning_rates(model, {"/1": 0.5}, decay={"/**/b": 0})
    ft.freeze(model, "/0", dropout="on")
    restore(other, state_of(model))
    assert state_of(other) == state_of(model) != state_of(made())
    assert str(state_of(other)).startswith("/0/W, /0/b frozen; still/on in /0; learning rate x0.5")
