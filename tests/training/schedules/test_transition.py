"""A snapshot of one schedule, and a script with another."""

from __future__ import annotations

from typing import Any

import pytest

import chainer_ft as ft
from chainer_ft.training.schedules.transition import schedule_data, transition

THREE = [
    ft.Phase("1 epoch", freeze="/a", name="one"),
    ft.Phase("2 epochs", lr=0.1, name="two"),
    ft.Phase("3 epochs", decay={"/b": 0}, name="three"),
]


def compared(*own: ft.Phase, index: int = 1) -> tuple[tuple[str, ...], tuple[str, ...]]:
    saved = schedule_data(ft.Schedule(THREE))
    found = transition(saved, schedule_data(ft.Schedule(own)), index)
    return found.conflicts, found.later


def test_the_same_is_the_same() -> None:
    assert compared(*THREE) == ((), ())


@pytest.mark.parametrize(
    ("place", "phase", "conflict"),
    [
        (0, ft.Phase("9 epochs", freeze="/a", name="one"), True),
        (0, ft.Phase("1 epoch", freeze="/a", name="first"), False),
        (1, ft.Phase("9 epochs", lr=0.1, name="two"), False),
        (1, ft.Phase("2 epochs", lr=0.1, name="two", until=ft.EarlyStopping()), False),
        (1, ft.Phase("2 epochs", lr=0.2, name="two"), True),
        (1, ft.Phase("2 epochs", lr=0.1, name="two", statistics="train"), True),
        (1, ft.Phase("2 epochs", lr=0.1, name="two", freeze=lambda path, link: True), True),
        (2, ft.Phase("9 epochs", freeze="/c", name="three"), False),
    ],
)
def test_done_now_and_to_come(place: int, phase: ft.Phase, conflict: bool) -> None:
    own: list[Any] = list(THREE)
    own[place] = phase
    conflicts, later = compared(*own)
    assert (bool(conflicts), bool(later)) == (conflict, not conflict)


def test_phases_that_are_new_or_gone() -> None:
    assert compared(*THREE, ft.Phase(name="four")) == ((), ("phase 'four' is new",))
    assert compared(*THREE[:2]) == ((), ("phase 'three' is gone",))
    (told,) = compared(*THREE[:1])[0]
    assert told == "there is no phase 'two', in which it was taken"


def test_a_selection_without_a_text_is_compared_as_it_is_printed() -> None:
    def chosen(path: str, link: Any) -> bool:
        return True

    (data,) = schedule_data(ft.Schedule([ft.Phase(freeze=chosen)]))
    assert data["freeze"].endswith("chosen")
