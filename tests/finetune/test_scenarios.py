"""The four scenarios as schedules: what trains in which phase, and how fast."""

from __future__ import annotations

from typing import Any

import chainer
import pytest
from small_runs import Net

from chainer_ft.errors import ScheduleError, UsageError
from chainer_ft.finetune.scenarios import NAMES, scenario
from chainer_ft.training.schedules import Schedule
from chainer_ft.training.schedules.resolving import resolve
from chainer_ft.training.schedules.yaml_reading import read

BODY = {"/conv1/W", "/conv1/b", "/bn1/gamma", "/bn1/beta", "/conv2/W", "/conv2/b"}
HEAD = {"/fc/W", "/fc/b"}


def rates(name: str, **options: Any) -> list[tuple[str, dict[str, float]]]:
    """By phase, the rate of each parameter that trains."""
    made = scenario(name, Net(), "/fc", 5, **options).schedule
    return [
        (str(one.phase.length), {path: rate for path, rate in one.rates.items() if rate})
        for one in resolve(Net(), made)
    ]


def test_small_similar_trains_the_head_alone() -> None:
    assert rates("small-similar") == [("5 epochs", dict.fromkeys(HEAD, 10.0))]


def test_large_similar_trains_the_head_and_then_all() -> None:
    head, everything = rates("large-similar", alone=2, factor=4)
    assert head == ("2 epochs", dict.fromkeys(HEAD, 4.0))
    assert everything == ("3 epochs", {**dict.fromkeys(BODY, 1.0), **dict.fromkeys(HEAD, 4.0)})


def test_large_similar_without_the_first_phase() -> None:
    assert [length for length, _ in rates("large-similar", alone=0)] == ["5 epochs"]


def test_large_similar_but_the_first_layers() -> None:
    for _, live in rates("large-similar", still=("first(1)",)):
        assert not any(path.startswith("/conv1") for path in live)


def test_small_different_keeps_the_first_half() -> None:
    ((_, live),) = rates("small-different")
    assert live == dict.fromkeys({"/conv2/W", "/conv2/b"} | HEAD, 10.0)
    ((_, live),) = rates("small-different", cut="/conv2")
    assert live == dict.fromkeys(HEAD, 10.0)


def test_large_different_has_one_rate() -> None:
    assert rates("large-different") == [("5 epochs", dict.fromkeys(BODY | HEAD, 10.0))]


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_printed_edited_and_read(name: str) -> None:
    made = scenario(name, Net(), "/fc", 5, patience=2).schedule
    assert Schedule(read(made.to_yaml())) == made
    assert made.phases[-1].until is not None and made.phases[-1].until.patience == 2


def test_one_epoch_has_no_phase_for_the_head_alone() -> None:
    made = scenario("large-similar", Net(), "/fc", 1).schedule
    assert [phase.name for phase in made.phases] == ["all"]


def test_a_net_of_one_layer_cannot_be_cut() -> None:
    net = chainer.Chain(fc=chainer.links.Linear(3, 2))
    with pytest.raises(ScheduleError, match="nothing would train"):
        resolve(net, scenario("small-different", net, "/fc", 2).schedule)


def test_unknown_names_and_lengths() -> None:
    with pytest.raises(UsageError, match="nearest: large-similar"):
        scenario("large-simlar", Net(), "/fc", 5)
    with pytest.raises(UsageError, match="leave some for all"):
        scenario("large-similar", Net(), "/fc", 5, alone=5)
