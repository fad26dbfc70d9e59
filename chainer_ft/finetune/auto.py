"""Choose scenario and depth from what linear classifiers make of a model's features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chainer_ft.finetune.folder import RunFolder
from chainer_ft.finetune.probe import Probes, linear_probe
from chainer_ft.finetune.settings import Settings
from chainer_ft.images import Item

if TYPE_CHECKING:
    from chainer_ft.finetune.building import Built
    from chainer_ft.finetune.training import Setup

#: A head on features as good as this has little left to gain from the body.
_ENOUGH = 0.95
#: Images of a class for training under which there are few.
_FEW = 100
_FILE = "auto.json"


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Args:
        scenario: One of the four.
        why: The figures that decided.
        cut: Where ``small-different`` cuts.
    """

    scenario: str
    why: str
    cut: str | None = None


def decide(probes: Probes, per_class: float) -> Choice:
    """The scenario that the probes speak for.

    Args:
        probes: What a linear classifier makes of the features at several depths.
        per_class: Images of a class for training, on average.
    """
    best, last = probes.best, probes.last
    place = best.depth.after or "the input"
    seen = (
        f"a linear classifier has {last.accuracy:.1%} right on what the head reads, "
        f"{best.accuracy:.1%} after {place}, by chance {probes.chance:.1%}"
    )
    amount = f"{per_class:.0f} images a class"
    if best.interval[0] <= probes.chance or not best.depth.after:
        why = f"{seen}: no layer helps, the weights are a place to begin"
        return Choice("large-different", why)
    if best is last and last.accuracy >= _ENOUGH:
        return Choice("small-similar", f"{seen}: the head alone is nearly enough")
    if best is last:
        why = f"{seen}: the deepest features are the best ones, and not good enough as they are"
        return Choice("large-similar", why)
    if per_class < _FEW:
        why = f"{seen}, and {amount} are few: what is above {best.depth.after} is learnt anew"
        return Choice("small-different", why, best.depth.after)
    why = f"{seen}, and {amount} are many: everything learns at one rate"
    return Choice("large-different", why)


def settled(setup: Setup, built: Built, folder: RunFolder) -> tuple[Settings, str]:
    """The settings with a scenario in the place of ``auto``, and why; decided once in a run.

    The images for validation are not looked at: every fourth image of each class for training
    measures what the others were fitted to.
    """
    settings = setup.settings
    if settings.scenario != "auto" or settings.schedule is not None:
        return settings, ""
    if not (folder.path / _FILE).exists():
        probes = _probed(setup, built)
        setup.tell(f"\n{probes}")
        choice = decide(probes, len(setup.images.train) / len(setup.images.classes))
        folder.write_text(_FILE, json.dumps(vars(choice), indent=1))
    chosen = Choice(**json.loads((folder.path / _FILE).read_text(encoding="utf-8")))
    cut = settings.cut or _inside(chosen.cut, built)
    return of_scenario(settings, chosen.scenario, cut), chosen.why


def of_scenario(settings: Settings, name: str, cut: str | None) -> Settings:
    """The settings with a scenario in the place of ``auto``, and a cut where it cuts."""
    return replace(settings, scenario=name, cut=cut if name == "small-different" else None)


def _probed(setup: Setup, built: Built) -> Probes:
    data = setup.dataset("train")
    held = set(every_fourth(setup.images.train))
    parts: tuple[list[Any], list[Any]] = ([], [])
    for i in range(len(data)):
        parts[i in held].append(data[i])
    count, size = len(setup.images.classes), setup.settings.batch_size
    device = setup.settings.device
    return linear_probe(built.predictor, *parts, classes=count, batch_size=size, device=device)


def every_fourth(items: Sequence[Item]) -> list[int]:
    """Numbers of every fourth item of each label, beginning with the first.

    Example:
        >>> every_fourth([Item("a", 0), Item("b", 1), Item("c", 0)])
        [0, 1]
    """
    seen: dict[int, int] = {}
    found = []
    for number, item in enumerate(items):
        place = seen[item.label] = seen.get(item.label, -1) + 1
        if place % 4 == 0:
            found.append(number)
    return found


def _inside(path: str | None, built: Built) -> str | None:
    """A path in the predictor as one in the model."""
    return path if path is None or built.predictor is built.model else path.removeprefix("/net")
