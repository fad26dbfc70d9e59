"""Schedules that people write again and again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from chainer_ft.errors import ScheduleError
from chainer_ft.select import AllBut, AnyOf, Predicate, Selection, Until, escaped
from chainer_ft.training.lengths import Length
from chainer_ft.training.schedules.phase import Phase, selection, selections
from chainer_ft.training.schedules.stages import stages_of

if TYPE_CHECKING:
    import chainer


def fine_tune(frozen: float, epochs: float, head: Selection, lr: float) -> list[Phase]:
    """The phases of :meth:`Schedule.fine_tune`."""
    body = AllBut(AnyOf(selections(head)))
    return [
        Phase((frozen, "epoch"), freeze=body, name="head"),
        Phase((epochs, "epoch"), lr=lr, name="all"),
    ]


def gradual(
    model: chainer.Link,
    each: Length,
    last: Length,
    stages: int | Sequence[Selection] | None,
    decay: float,
) -> list[Phase]:
    """The phases of :meth:`Schedule.gradual`."""
    if stages is None or isinstance(stages, int):
        groups = [[selection(escaped(path)) for path in stage] for stage in _merged(model, stages)]
        below = [_until(group) for group in [[], *groups]]
    else:
        groups = [[selection(one)] for one in stages]
        below = [[one for group in groups[:i] for one in group] for i in range(len(groups))]
    return [
        Phase(
            length=each if frozen else last,
            freeze=below[frozen],
            lr=_rates(groups[frozen:], decay),
            name=f"top {len(groups) - frozen} of {len(groups)}",
        )
        for frozen in reversed(range(len(groups)))
    ]


def _until(group: Sequence[Predicate]) -> list[Predicate]:
    return [Until(str(group[-1]))] if group else []


def _merged(model: chainer.Link, count: int | None) -> list[list[str]]:
    """The stages of a model, put together until there are ``count``."""
    found = stages_of(model)
    count = len(found) if count is None else count
    if not 1 <= count <= len(found):
        raise ScheduleError(
            f"{count} stages: {type(model).__name__} has {len(found)} children with weights; give "
            "1 to that many, or name the stages yourself, stages=['/conv*', '/fc']"
        )
    bounds = [round(i * len(found) / count) for i in range(count + 1)]
    return [[path for stage in found[a:b] for path in stage] for a, b in pairwise(bounds)]


def _rates(live: Sequence[Sequence[Predicate]], decay: float) -> dict[Predicate, float]:
    """Rates that fall by ``decay`` from each stage to the one below it."""
    if decay == 1.0:
        return {}
    below = list(enumerate(reversed(live)))[1:]
    return {one: decay**depth for depth, group in below for one in group}
