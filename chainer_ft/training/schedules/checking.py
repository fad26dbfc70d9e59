"""What is wrong with a schedule, told before the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from chainer_ft.training.lengths import Length
from chainer_ft.training.schedules.resolving import Resolved, least

#: A thaw at more than this times the rate of what trained before is told.
JUMP = 10.0


@dataclass(frozen=True)
class Problem:
    """Something that is probably not meant.

    Args:
        kind: ``unreached``, ``untrained`` or ``jump``.
        text: What it is, and what to change.
    """

    kind: Literal["unreached", "untrained", "jump"]
    text: str

    def __str__(self) -> str:
        return self.text


def problems(
    phases: Sequence[Resolved], total: Length | None = None, epoch_size: float | None = None
) -> list[Problem]:
    """Phases never reached, parameters never trained, jumps over 10x at a thaw.

    Args:
        phases: The schedule on its model.
        total: When the trainer stops, if that is known.
        epoch_size: Iterations in an epoch, if that is known.

    Example:
        >>> import chainer
        >>> from chainer_ft.training.schedules import Schedule
        >>> from chainer_ft.training.schedules.resolving import resolve
        >>> model = chainer.Sequential(chainer.links.Linear(4, 3), chainer.links.Linear(3, 2))
        >>> phases = resolve(model, Schedule.fine_tune(frozen=2))
        >>> print(problems(phases, Length(2, "epoch"))[0])
        phase 'all' is never reached: it begins after 2 epochs at the soonest, and the trainer ...
    """
    return [
        *_unreached(phases, total, epoch_size),
        *_untrained(phases),
        *(problem for pair in pairwise(phases) for problem in _jumps(*pair)),
    ]


def _unreached(
    phases: Sequence[Resolved], total: Length | None, epoch_size: float | None
) -> Iterator[Problem]:
    if total is None:
        return
    begins = 0.0
    for before, after in pairwise(phases):
        length = least(before.phase)
        period = None if length is None else converted(length, total.unit, epoch_size)
        if period is None:
            return
        begins += period
        if begins >= total.period:
            soonest = Length(begins, total.unit)
            yield Problem(
                "unreached",
                f"phase {after.phase.name!r} is never reached: it begins after {soonest} at the "
                f"soonest, and the trainer stops after {total}; let the trainer run on, or "
                "shorten a phase",
            )


def converted(length: Length, unit: str, epoch_size: float | None) -> float | None:
    """A length in another unit, ``None`` where the length of an epoch is not known."""
    if length.unit == unit:
        return length.period
    if not epoch_size:
        return None
    return length.period * epoch_size if unit == "iteration" else length.period / epoch_size


def _untrained(phases: Sequence[Resolved]) -> Iterator[Problem]:
    trained = {path for one in phases for path in one.live}
    never = [path for path in phases[0].rates if path not in trained]
    if never:
        yield Problem("untrained", f"never trained in any phase: {_some(never)}")


def _jumps(before: Resolved, after: Resolved) -> Iterator[Problem]:
    """Upward jumps where something is thawed; what was frozen is compared with the fastest."""
    thawed = [path for path in after.live if before.rates[path] is None]
    if not thawed:
        return
    fastest = max(rate for rate in before.rates.values() if rate is not None)
    ratios = {p: (after.rates[p] or 0.0) / (before.rates[p] or fastest) for p in after.live}
    steep = [path for path, ratio in ratios.items() if ratio > JUMP * (1 + 1e-9)]
    if steep:
        yield Problem(
            "jump",
            f"from phase {before.phase.name!r} to {after.phase.name!r}, which thaws "
            f"{_some(thawed)}, the learning rate of {_some(steep)} rises to "
            f"{max(ratios.values()):g} times what trained before; a thaw is gentler at a lower lr",
        )


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:4])
    return shown if len(paths) <= 4 else f"{shown} and {len(paths) - 4} more"
