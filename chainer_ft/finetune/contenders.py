"""The trainings of a run: the fine-tuned net, and those that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import chainer

from chainer_ft.finetune.scenarios import Scenario, scenario
from chainer_ft.finetune.settings import Settings
from chainer_ft.training.schedules import Phase, Schedule
from chainer_ft.training.schedules.yaml_reading import read

FINE_TUNED = "fine-tuned"


@dataclass(frozen=True)
class Contender:
    """One training, before it begins.

    Args:
        name: ``fine-tuned``, ``scratch`` or ``frozen``; also the folder of a baseline.
        scenario: What trains when.
        lr: Learning rate that the schedule's factors multiply.
        pretrained: Whether it begins with the weights.
    """

    name: str
    scenario: Scenario
    lr: float
    pretrained: bool = True


def contenders(
    settings: Settings, model: chainer.Link, head: str, why: str = ""
) -> Iterator[Contender]:
    """The fine-tuned net first, then the baselines: the same budget, split and seed.

    Unless a baseline has a rate of its own, a head on a frozen body learns at the head's rate, and
    a net from scratch at what Chainer's optimizer has by default.

    Args:
        settings: Scenario, rates, baselines.
        model: The model.
        head: Path of its head.
        why: Why the scenario was chosen, where that was measured.
    """
    first = chosen(settings, model, head)
    yield Contender(FINE_TUNED, replace(first, why=why or first.why), settings.base_lr)
    for name, lr in settings.baselines:
        if name == "frozen":
            rate = settings.base_lr * settings.head_lr if lr is None else lr
            still = Phase((settings.epochs, "epoch"), f"all_but({head})", name="head")
            why = "the body as it came, and a new head"
            yield Contender(name, Scenario(name, why, Schedule([still])), rate)
        else:
            rate = settings.scratch_lr if lr is None else lr
            every = Phase((settings.epochs, "epoch"), name="all")
            why = "the same net with random weights"
            yield Contender(name, Scenario(name, why, Schedule([every])), rate, pretrained=False)


def chosen(settings: Settings, model: chainer.Link, head: str) -> Scenario:
    """The scenario, or the schedule that was given in its place.

    Raises:
        UsageError: There is no such scenario.
        ScheduleError: The schedule cannot be read.
    """
    if settings.schedule is not None:
        return Scenario("schedule", "a schedule of your own", Schedule(read(settings.schedule)))
    return scenario(
        settings.scenario,
        model,
        head,
        settings.epochs,
        alone=settings.freeze_epochs,
        factor=settings.head_lr,
        still=settings.freeze,
        cut=settings.cut,
        patience=settings.patience,
    )
