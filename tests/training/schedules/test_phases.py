"""Schedules as values."""

from __future__ import annotations

from typing import Any

import chainer
import chainer.links as L  # noqa: N812
import pytest

import chainer_ft as ft
from chainer_ft.errors import RuleError, ScheduleError


def test_text_is_read_as_in_yaml_and_objects_are_taken_as_they_are() -> None:
    phase = ft.Phase("1 epoch", freeze=["first(2)", L.BatchNormalization, ft.until("/pool")])
    assert repr(phase.freeze) == "(first(2), BatchNormalization, until('/pool'))"
    assert ft.Phase(freeze="/conv*") == ft.Phase(freeze=["/conv*"])


def test_one_number_is_for_everything() -> None:
    assert ft.Phase(lr=0.1) == ft.Phase(lr={"/**": 0.1})
    assert ft.Phase(lr=1) == ft.Phase()


def test_the_repr_shows_what_is_not_as_by_default() -> None:
    assert (
        repr(ft.Phase(lr=0.1, statistics="train")) == "Phase(lr={'/**': 0.1}, statistics='train')"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"length": "3"}, "'3' is no length"),
        ({"lr": "fast"}, "lr: 'fast' is no factor"),
        ({"lr": -1}, "lr: -1 is no factor"),
        ({"lr": {"/fc": True}}, "lr: True is no factor"),
        ({"lr": {"/fc": 0}}, "put it under freeze"),
        ({"decay": float("nan")}, "decay: nan is no factor"),
        ({"until": "validation/main/loss"}, "until is an EarlyStopping"),
        ({"statistics": "off"}, "statistics is one of still, train"),
        ({"dropout": "train"}, "dropout is one of off, on"),
    ],
)
def test_what_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ScheduleError, match=told):
        ft.Phase(**options)


def test_no_decay_is_a_decay() -> None:
    assert ft.Phase(decay={"/**/b": 0}).decay


@pytest.mark.parametrize("selection", ["all_but(/fc8", "first(x)", 3, [[]]])
def test_a_selection_that_is_none(selection: Any) -> None:
    with pytest.raises(RuleError):
        ft.Phase(freeze=selection)


def test_a_schedule_has_phases_with_names_of_their_own() -> None:
    with pytest.raises(ScheduleError, match="at least one phase"):
        ft.Schedule([])
    with pytest.raises(ScheduleError, match="two phases are called 'a'"):
        ft.Schedule([ft.Phase("1 epoch", name="a"), ft.Phase(name="a")])


def test_only_the_last_phase_may_have_no_end() -> None:
    with pytest.raises(ScheduleError, match="phase 'phase 1' never ends"):
        ft.Schedule([ft.Phase(), ft.Phase("1 epoch")])
    until = ft.EarlyStopping()
    assert len(ft.Schedule([ft.Phase(until=until), ft.Phase()]).phases) == 2


def chain(**links: chainer.Link) -> chainer.Chain:
    return chainer.Chain(**links)


def test_fine_tune_names_the_head() -> None:
    head, everything = ft.Schedule.fine_tune(2, 3, head=["/fc", "/bias"], lr=0.1).phases
    assert head == ft.Phase("2 epochs", freeze=ft.all_but("/fc", "/bias"), name="head")
    assert everything == ft.Phase("3 epochs", lr=0.1, name="all")
    assert ft.Schedule.fine_tune().phases[0].freeze == (ft.all_but(ft.last(1)),)


def test_gradual_unfreezes_from_the_head_down() -> None:
    model = chain(a=L.Linear(2, 2), b=L.Linear(2, 2), bn=L.BatchNormalization(2), c=L.Linear(2, 2))
    first, second, third = ft.Schedule.gradual(model, each="2 epochs", last="9 epochs").phases
    assert (first.freeze, first.length) == ((ft.until("/bn"),), (2, "epoch"))
    assert (second.freeze, second.name) == ((ft.until("/a"),), "top 2 of 3")
    assert (third.freeze, third.length) == ((), (9, "epoch"))


def test_gradual_slows_down_from_the_head_down() -> None:
    model = chain(a=L.Linear(2, 2), b=L.Linear(2, 2), bn=L.BatchNormalization(2), c=L.Linear(2, 2))
    last = ft.Schedule.gradual(model, decay=0.5).phases[-1]
    assert last.lr == ft.Phase(lr={"/b": 0.5, "/bn": 0.5, "/a": 0.25}).lr


def test_gradual_in_fewer_stages_or_in_named_ones() -> None:
    model = chain(**{name: L.Linear(2, 2) for name in "abcde"})
    two = ft.Schedule.gradual(model, stages=2).phases
    assert [phase.freeze for phase in two] == [(ft.until("/b"),), ()]
    named = ft.Schedule.gradual(model, stages=["/[ab]", "/[cd]", "/e"]).phases
    assert [repr(phase.freeze) for phase in named] == ["('/[ab]', '/[cd]')", "('/[ab]',)", "()"]
    with pytest.raises(ScheduleError, match=r"6 stages: Chain has 5 children with weights"):
        ft.Schedule.gradual(model, stages=6)
