"""What a run is told comes back from JSON, and is refused where it makes no sense."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.finetune.settings import Settings


def test_settings_come_back_from_json() -> None:
    told = Settings(
        "photos",
        "net.py:Net",
        labels=("a", "b"),
        freeze=("/conv1",),
        baselines=(("scratch", 0.1), ("frozen", None)),
        notes=("a guess",),
        rules={"policy": "shape"},
    )
    assert Settings.from_dict(json.loads(json.dumps(told.to_dict()))) == told


def test_settings_of_a_later_version_are_refused() -> None:
    data = {**Settings("photos", "net.py:Net").to_dict(), "mixup": True}
    with pytest.raises(FormatError, match="unknown settings: mixup"):
        Settings.from_dict(data)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"optimizer": "adam"}, "optimizer 'adam'"),
        ({"curve": "one-cicle"}, "nearest: one-cycle"),
        ({"baselines": (("scratch", None), ("scratch", 0.1))}, "name each once"),
        ({"baselines": (("scratch", -1.0),)}, "give a number above zero"),
        ({"lr": "fine"}, "or find"),
        ({"lr": 0.0}, "give a number above zero"),
        ({"epochs": 0}, "epochs 0: give 1 or more"),
        ({"cut": "/a"}, "cut '/a': large-similar has none; --scenario small-different cuts"),
        ({"seed": -1}, "seed -1: give 0 or more"),
        ({"workers": -1}, "workers -1: give 0 or more"),
        ({"decay": -0.1}, "decay -0.1: give 0 or more"),
        ({"decay": float("nan")}, "decay nan: give 0 or more"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Settings("photos", "net.py:Net", **options)


def test_usual_rates_are_the_optimizers() -> None:
    adam, sgd = (Settings("p", "m", optimizer=name) for name in ("adamw", "sgd"))
    assert adam.base_lr < adam.scratch_lr == 1e-3
    assert sgd.base_lr < sgd.scratch_lr == 1e-2
    assert Settings("p", "m", lr=0.5).base_lr == 0.5
    assert Settings("p", "m", lr="find").base_lr == adam.base_lr
