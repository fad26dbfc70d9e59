"""A first schedule for a model."""

from __future__ import annotations

import chainer
import pytest
from chainer import links as L  # noqa: N812
from training_nets import net

import chainer_ft as ft
from chainer_ft.training.schedules.checking import problems
from chainer_ft.training.schedules.draft import draft, drafted
from chainer_ft.training.schedules.resolving import resolve
from chainer_ft.training.schedules.yaml_reading import read


@pytest.mark.parametrize("gradual", [False, True])
def test_a_draft_is_a_schedule_that_fits_its_model(gradual: bool) -> None:
    model = net()
    schedule = ft.Schedule(read(draft(model, "net.py:Net", gradual)))
    assert schedule == drafted(model, gradual)
    assert problems(resolve(model, schedule)) == []
    assert len(schedule.phases) == (4 if gradual else 2)


def test_it_shows_the_stages_and_what_trains() -> None:
    text = draft(net(), "net.py:Net")
    assert "#   /conv1 /bn1: 120 parameters" in text
    assert "#   /fc: unknown (lazy) parameters" in text
    assert "  # 2 of 20 parameters train: /fc\n  - name: head" in text
    assert "chainer-ft schedule net.py:Net --check" in text


def test_a_head_of_two_links_is_named_whole() -> None:
    model = chainer.Chain(a=L.Linear(2, 2), fc=L.Linear(2, 2), scale=L.Scale(1, (2,)))
    assert repr(drafted(model).phases[0].freeze) == "(all_but('/fc', '/scale'),)"
    assert ft.Schedule(read(draft(model, "x"))) == drafted(model)


@pytest.mark.parametrize("gradual", [False, True])
def test_names_may_have_the_signs_of_patterns_in_them(gradual: bool) -> None:
    model = chainer.Chain()
    for name in ("a[0]", "a0", "b*", "bb", "head[1]"):
        model.add_link(name, L.Linear(2, 2))
    schedule = ft.Schedule(read(draft(model, "net.py:Net", gradual)))
    assert resolve(model, schedule)[0].live == ["/head[1]/W", "/head[1]/b"]
    assert len(resolve(model, ft.Schedule.gradual(model, decay=0.5))) == 5
