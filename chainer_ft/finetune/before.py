"""What can be known to be wrong with a run before its images are looked at."""

from __future__ import annotations

from chainer_ft.finetune.auto import of_scenario
from chainer_ft.finetune.building import Make, build
from chainer_ft.finetune.contenders import contenders
from chainer_ft.finetune.head import find_head
from chainer_ft.finetune.loop import seeded
from chainer_ft.finetune.scenarios import NAMES
from chainer_ft.finetune.settings import Settings
from chainer_ft.images import Preprocessing
from chainer_ft.training.schedules.resolving import resolve


def check_before(settings: Settings, make: Make) -> None:
    """See that model, weights, head and schedules go together, whatever the classes will be.

    The model is made, gets the weights and is called once, with the classes that it has; to look
    at the images takes minutes where there are many.

    Args:
        settings: What the run was told, preprocessing settled.
        make: Makes the model.

    Raises:
        RefusedError: The weights do not fit.
        RuleError: There is no head.
        ScheduleError: A selection hits nothing, or a schedule cannot be read.
        UsageError: There is no such scenario, or the model does not take such images.
    """
    shape = Preprocessing.from_dict(settings.preprocessing or {}).shape
    with seeded(settings.seed, settings.device):
        count = find_head(make(True), path=settings.head).classes
        built = build(settings, make, [f"class {number}" for number in range(count)], shape)
    for known in _settled(settings):
        for one in contenders(known, built.model, built.head.now.path):
            resolve(built.model, one.scenario.schedule)


def _settled(settings: Settings) -> list[Settings]:
    """The settings; with each scenario that ``auto`` may choose."""
    if settings.scenario != "auto":
        return [settings]
    return [of_scenario(settings, name, settings.cut) for name in NAMES]
