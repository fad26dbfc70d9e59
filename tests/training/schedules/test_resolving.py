"""A schedule on a model."""

from __future__ import annotations

import re
from pathlib import Path

import chainer
import pytest
from chainer import links as L  # noqa: N812

import chainer_ft as ft
from chainer_ft.errors import ScheduleError
from chainer_ft.training.schedules.resolving import resolve


def model() -> chainer.Chain:
    return chainer.Chain(conv=L.Linear(2, 2), fc=L.Linear(2, 2, nobias=True))


def test_what_is_frozen_already_is_frozen_in_every_phase() -> None:
    net = model()
    ft.freeze(net, "/conv/b")
    (one,) = resolve(net, ft.Schedule([ft.Phase(lr={"/conv": 0.1})]))
    assert dict(one.rates) == {"/conv/W": 0.1, "/conv/b": None, "/fc/W": 1.0}
    (other,) = resolve(net, ft.Schedule([ft.Phase()]), own=["/conv/b"])
    assert other.live == ["/conv/W", "/conv/b", "/fc/W"]


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        (ft.Phase(freeze="/cov"), "phase 'phase 1': '/cov' hits nothing; nearest: /conv"),
        (ft.Phase(lr={"/fc8": 2}), "phase 'phase 1': '/fc8' hits nothing"),
        (ft.Phase(decay={"/fc8": 2}), "phase 'phase 1': '/fc8' hits nothing"),
        (ft.Phase(lr={"/**": 2, "/fc": 1}), "phase 'phase 1': /fc/W: '/.*' gives it 2, '/fc'"),
        (ft.Phase(freeze="/**"), "phase 'phase 1' freezes all 3 parameters of Chain"),
    ],
)
def test_what_does_not_fit_is_told_with_its_phase(phase: ft.Phase, told: str) -> None:
    with pytest.raises(ScheduleError, match=told):
        resolve(model(), ft.Schedule([phase]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("freeze: [/fc,\n /cov]", "s.yaml, line 5: phase 'head': '/cov' hits nothing"),
        ("lr:\n      /conv: 2\n      /fc8: 3", "s.yaml, line 6: phase 'head': '/fc8' hits nothing"),
        ("decay: {/fc8: 3}", "s.yaml, line 4: phase 'head': '/fc8' hits nothing"),
        ("lr: {/fc: 2, /**: 3}", "s.yaml, line 3: phase 'head': /fc/W: '/fc' gives it 2"),
        ("freeze: /**", "s.yaml, line 3: phase 'head' freezes all 3"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(f"phases:\n  - length: 1 epoch\n  - name: head\n    {text}\n")
    schedule = ft.Schedule.load(file)
    assert "s.yaml" not in repr(schedule) and schedule == ft.Schedule(schedule.phases)
    with pytest.raises(ScheduleError, match=re.escape(told)):
        resolve(model(), schedule)
