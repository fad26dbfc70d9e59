"""The four scenarios of the tutorials on transfer learning, each a schedule and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chainer_ft.errors import UsageError
from chainer_ft.select import Selection, nearest
from chainer_ft.training.schedules import EarlyStopping, Phase, Schedule
from chainer_ft.training.schedules.stages import stages_of

if TYPE_CHECKING:
    import chainer


@dataclass(frozen=True)
class Recipe:
    """What a scenario makes its phases of.

    Args:
        head: Path of the head.
        epochs: Length of the training.
        alone: Epochs at the beginning in which the head trains alone.
        factor: How many times the base rate the head learns at.
        still: What is frozen throughout.
        cut: The last stage that is frozen where a head stands on an earlier layer.
    """

    head: str
    epochs: float
    alone: float = 1
    factor: float = 10
    still: tuple[Selection, ...] = ()
    cut: str = ""

    @property
    def rates(self) -> dict[Selection, float]:
        """The head fast, the body at the base rate."""
        return {self.head: self.factor}


@dataclass(frozen=True)
class Scenario:
    """A schedule with a name and a reason.

    Args:
        name: What ``--scenario`` takes.
        why: When it is the right one.
        schedule: The schedule; print it, edit it.
    """

    name: str
    why: str
    schedule: Schedule


def scenario(
    name: str,
    model: chainer.Link,
    head: str,
    epochs: float,
    *,
    alone: float | None = None,
    factor: float = 10,
    still: tuple[Selection, ...] = (),
    cut: str | None = None,
    patience: int | None = None,
) -> Scenario:
    """The schedule of a scenario for a model.

    Args:
        name: ``small-similar``, ``large-similar``, ``small-different`` or ``large-different``:
            how many images there are, and whether they are like those of the weights.
        model: The model.
        head: Path of its head.
        epochs: Length of the training in all.
        alone: Epochs at the beginning in which the head trains alone, in ``large-similar``; by
            default 1 of two or more.
        factor: How many times the base rate new layers learn at.
        still: What is frozen besides in every phase.
        cut: In ``small-different``, the last child of the model that is frozen; by default half
            of them are.
        patience: End the last phase when the validation accuracy has been no better in so many
            epochs, and go back to its best weights.

    Raises:
        UsageError: There is no such scenario, or too few epochs for it.

    Example:
        >>> import chainer
        >>> L = chainer.links
        >>> net = chainer.Chain(conv=L.Convolution2D(3, 4, 3), fc=L.Linear(None, 2))
        >>> print(scenario("large-similar", net, "/fc", 5).schedule.to_yaml())
        phases:
          - name: head
            length: 1 epoch
            freeze: all_but(/fc)
            lr:
              /fc: 10
          - name: all
            length: 4 epochs
            lr:
              /fc: 10
    """
    if name not in _PHASES:
        raise UsageError(f"scenario {name!r}: {nearest(name, _PHASES)}")
    alone = (1 if epochs > 1 else 0) if alone is None else alone
    if not 0 <= alone < epochs:
        raise UsageError(f"{alone:g} of {epochs:g} epochs for the head alone; leave some for all")
    recipe = Recipe(head, epochs, alone, factor, still, cut or _middle(model, head))
    phases = _PHASES[name](recipe)
    if patience is not None:
        rule = EarlyStopping("validation/main/accuracy", patience)
        phases[-1] = replace(phases[-1], until=rule)
    return Scenario(name, WHY[name], Schedule(phases))


def _head_alone(recipe: Recipe, epochs: float) -> Phase:
    body = f"all_but({recipe.head})"
    return Phase((epochs, "epoch"), (body, *recipe.still), recipe.rates, name="head")


def _small_similar(recipe: Recipe) -> list[Phase]:
    return [_head_alone(recipe, recipe.epochs)]


def _large_similar(recipe: Recipe) -> list[Phase]:
    rest = (recipe.epochs - recipe.alone, "epoch")
    first = [_head_alone(recipe, recipe.alone)] if recipe.alone else []
    return [*first, Phase(rest, recipe.still, recipe.rates, name="all")]


def _small_different(recipe: Recipe) -> list[Phase]:
    still = (f"until({recipe.cut})", *recipe.still)
    return [Phase((recipe.epochs, "epoch"), still, recipe.factor, name=f"above {recipe.cut}")]


def _large_different(recipe: Recipe) -> list[Phase]:
    return [Phase((recipe.epochs, "epoch"), recipe.still, recipe.factor, name="all")]


def _middle(model: chainer.Link, head: str) -> str:
    """The last child of the first half of those below the head."""
    below = []
    for stage in stages_of(model):
        if any(head == path or head.startswith(f"{path}/") for path in stage):
            break
        below.append(stage)
    return below[(len(below) - 1) // 2][-1] if below else head


_PHASES: dict[str, Callable[[Recipe], list[Phase]]] = {
    "small-similar": _small_similar,
    "large-similar": _large_similar,
    "small-different": _small_different,
    "large-different": _large_different,
}

#: When each is the right one.
WHY = {
    "small-similar": "for few images, like those of the weights: the head alone is trained, the "
    "body would only overfit",
    "large-similar": "for images like those of the weights, and enough of them: everything "
    "learns, the head faster than the rest",
    "small-different": "for few images, unlike those of the weights: what the first layers see is "
    "kept, the layers above learn it as a new head would",
    "large-different": "for many images, unlike those of the weights: the weights are a place to "
    "begin, and everything learns at one rate",
}
NAMES = tuple(WHY)
