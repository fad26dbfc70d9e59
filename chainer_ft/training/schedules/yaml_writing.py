"""A schedule as YAML, as a person would write it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from chainer_ft.select import Predicate, text_of
from chainer_ft.training.schedules.conditions import EarlyStopping
from chainer_ft.training.schedules.phase import Phase
from chainer_ft.training.schedules.phases import Schedule

_PLAIN_TEXT = re.compile(r"[/A-Za-z][\w./ *()-]*[\w./*)-]|[/A-Za-z]")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def to_yaml(schedule: Schedule) -> str:
    """The text that :func:`~chainer_ft.training.schedules.yaml_reading.read` reads as this."""
    lines = ["phases:"]
    for phase in schedule.phases:
        for i, line in enumerate(_lines(phase_data(phase))):
            lines.append(("  - " if i == 0 else "    ") + line)
    return "\n".join(lines)


def phase_data(phase: Phase, text: Callable[[Predicate], str] = text_of) -> dict[str, Any]:
    """A phase as plain data, without what is as by default.

    Args:
        phase: The phase.
        text: Makes text of a selection.
    """
    data: dict[str, Any] = {"name": phase.name}
    if phase.length is not None:
        data["length"] = str(phase.length)
    if phase.freeze:
        frozen = [text(one) for one in phase.freeze]
        data["freeze"] = frozen[0] if len(frozen) == 1 else frozen
    for name in ("lr", "decay"):
        factors = {text(one): factor for one, factor in getattr(phase, name).items()}
        if factors:
            data[name] = factors["/**"] if set(factors) == {"/**"} else factors
    if phase.until is not None:
        data["until"] = _condition_data(phase.until)
    for name in ("statistics", "dropout"):
        if getattr(phase, name) != getattr(Phase(), name):
            data[name] = getattr(phase, name)
    return data


def described(predicate: Predicate) -> str:
    """Text of a selection; of one that has none, what is printed of it."""
    try:
        return text_of(predicate)
    except Exception:  # a function or a link itself
        return repr(predicate)


def _condition_data(until: EarlyStopping) -> dict[str, Any]:
    plain = EarlyStopping()
    kept = [f.name for f in fields(until) if getattr(until, f.name) != getattr(plain, f.name)]
    data = {name: getattr(until, name) for name in ("monitor", "patience", *kept)}
    return {name: str(v) if name == "check" else v for name, v in data.items()}


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield f"{_scalar(key)}:"
            yield from (f"  {line}" for line in _lines(value))
        elif isinstance(value, list):
            yield f"{key}:"
            yield from (f"  - {_scalar(one)}" for one in value)
        else:
            yield f"{_scalar(key)}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    """A scalar; text is quoted where YAML would read something else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    plain = _PLAIN_TEXT.fullmatch(value) and value.lower() not in _WORDS
    return value if plain or _is_length(value) else f'"{"".join(map(_escaped, value))}"'


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() and letter not in '"\\' else f"\\U{ord(letter):08X}"


def _is_length(value: str) -> bool:
    return re.fullmatch(r"[\d.]+ (epoch|iteration)s?", value) is not None
