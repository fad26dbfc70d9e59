"""A snapshot of one schedule, and a script with another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chainer_ft.training.schedules.phases import Schedule
from chainer_ft.training.schedules.yaml_writing import described, phase_data

#: What may change in the phase that is running: it only says when it ends.
_ENDS = ("length", "until")


@dataclass(frozen=True)
class Transition:
    """How the schedule of a script differs from that of a snapshot.

    Args:
        conflicts: What happened already, or happens now, would have been otherwise.
        later: What is still to come is otherwise.
    """

    conflicts: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


def schedule_data(schedule: Schedule) -> list[dict[str, Any]]:
    """A schedule as plain data; selections that no text stands for as they are printed."""
    return [phase_data(phase, described) for phase in schedule.phases]


def transition(
    saved: Sequence[dict[str, Any]], own: Sequence[dict[str, Any]], index: int
) -> Transition:
    """Compare two schedules.

    Args:
        saved: :func:`schedule_data` in the snapshot.
        own: That of the script.
        index: The phase that was running when the snapshot was taken.

    Example:
        >>> saved, own = [{"name": "head", "length": "1 epoch"}], [{"name": "head"}]
        >>> transition(saved, own, 0).later
        ("phase 'head': length was 1 epoch, is not given",)
    """
    if len(own) <= index:
        missing = f"there is no phase {saved[index]['name']!r}, in which it was taken"
        return Transition((missing,))
    conflicts: list[str] = []
    later: list[str] = []
    for i in range(max(len(saved), len(own))):
        if i >= len(saved) or i >= len(own):
            name, word = (own[i], "is new") if i >= len(saved) else (saved[i], "is gone")
            later.append(f"phase {name['name']!r} {word}")
            continue
        for key, text in _differences(saved[i], own[i]):
            harmless = key == "name" or (i == index and key in _ENDS)
            (later if i > index or harmless else conflicts).append(text)
    return Transition(tuple(conflicts), tuple(later))


def _differences(saved: dict[str, Any], own: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in dict.fromkeys([*saved, *own]):
        before, now = saved.get(key), own.get(key)
        if before != now:
            was, is_now = (_words(value) for value in (before, now))
            yield key, f"phase {saved['name']!r}: {key} was {was}, is {is_now}"


def _words(value: Any) -> str:
    return "not given" if value is None else str(value)
