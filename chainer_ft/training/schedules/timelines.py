"""The timeline of a schedule on a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainer_ft.report.timeline import Row, Span, Timeline
from chainer_ft.training.lengths import Length
from chainer_ft.training.schedules.checking import converted
from chainer_ft.training.schedules.phase import Phase
from chainer_ft.training.schedules.resolving import Resolved, least


def timeline(phases: Sequence[Resolved], epoch_size: float | None = None) -> Timeline:
    """What trains when.

    Args:
        phases: The schedule on its model.
        epoch_size: Iterations in an epoch; without it, epochs and iterations in one schedule
            cannot be drawn to scale.

    Example:
        >>> import chainer
        >>> from chainer_ft.training.schedules import Schedule
        >>> from chainer_ft.training.schedules.resolving import resolve
        >>> model = chainer.Sequential(chainer.links.Linear(4, 3), chainer.links.Linear(3, 2))
        >>> for row in timeline(resolve(model, Schedule.fine_tune())).rows:
        ...     print(row.label, row.rates)
        /0 (None, 0.01)
        /1 (1.0, 0.01)
    """
    units = {length.unit for one in phases if (length := _drawn(one.phase))}
    unit = "epoch" if units != {"iteration"} else "iteration"
    if len(units) > 1 and not epoch_size:
        unit = "phase"
    return Timeline(tuple(_rows(phases)), tuple(_spans(phases, unit, epoch_size)), unit)


def _rows(phases: Sequence[Resolved]) -> Iterator[Row]:
    layers: dict[str, list[str]] = {}
    for path in phases[0].rates:
        layers.setdefault(path.rpartition("/")[0] or "/", []).append(path)
    for layer, paths in layers.items():
        found = [{one.rates[path] for path in paths} for one in phases]
        live = [[rate for rate in rates if rate is not None] for rates in found]
        fastest = tuple(max(rates, default=None) for rates in live)
        yield Row(layer, fastest, tuple(len(rates) > 1 for rates in found))


def _spans(phases: Sequence[Resolved], unit: str, epoch_size: float | None) -> Iterator[Span]:
    start = 0.0
    for one in phases:
        length = _drawn(one.phase)
        width = 1.0 if unit == "phase" else converted(length, unit, epoch_size) if length else None
        end = start + (width or max(start / 4, 1.0))
        yield Span(one.phase.name, start, end, length_words(one.phase), _is_open(one.phase))
        start = end


def _drawn(phase: Phase) -> Length | None:
    return phase.length or least(phase)


def _is_open(phase: Phase) -> bool:
    return phase.until is not None or phase.length is None


def length_words(phase: Phase) -> str:
    """How long a phase is, in words.

    Example:
        >>> from chainer_ft.training.schedules import EarlyStopping
        >>> length_words(Phase("9 epochs", until=EarlyStopping("loss")))
        'at most 9 epochs, until loss is no better for 3 checks'
    """
    if phase.until is None:
        return "until the trainer stops" if phase.length is None else str(phase.length)
    most = "" if phase.length is None else f"at most {phase.length}, "
    return f"{most}{phase.until}"
