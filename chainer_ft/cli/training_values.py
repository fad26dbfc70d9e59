"""Values of the options of ``chainer-ft train``, read from text."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from pathlib import Path

from chainer_ft.errors import FormatError
from chainer_ft.formats.unopened import advice


def text_of(path: str) -> str:
    """The text of a file.

    Raises:
        FormatError: It cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"{path}: cannot be read: {reason}{advice(path, error)}") from error


def schedule_of(path: str) -> str:
    """The text of a schedule, which is one.

    Raises:
        FormatError: It cannot be read.
        ScheduleError: It is no schedule; names the file and the line.
    """
    from chainer_ft.training.schedules.yaml_reading import read

    text = text_of(path)
    read(text, path)
    return text


def labels_of(path: str) -> tuple[str, ...]:
    """Names of classes, one a line."""
    return tuple(line.strip() for line in text_of(path).splitlines() if line.strip())


def rate(text: str) -> float | str:
    """A learning rate, or ``find``.

    Example:
        >>> rate("1e-4"), rate("find")
        (0.0001, 'find')
    """
    return text if text == "find" else _number(text)


def count(text: str) -> int:
    """A number of things that are there.

    Example:
        >>> count("10")
        10
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def size(text: str) -> tuple[int, int]:
    """Height and width.

    Example:
        >>> size("32x48"), size("224")
        ((32, 48), (224, 224))
    """
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdigit() for part in parts):
        raise ArgumentTypeError(f"{text!r} is not like 224x224")
    return int(parts[0]), int(parts[-1])


def numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them.

    Example:
        >>> numbers("104,117,123")
        (104.0, 117.0, 123.0)
    """
    return tuple(map(_number, text.split(",")))


def mean(text: str) -> str:
    """Numbers, or the name of a file.

    Example:
        >>> mean("104,117,123")
        '104,117,123'
    """
    if not os.path.isfile(text):
        try:
            numbers(text)
        except ArgumentTypeError:
            raise ArgumentTypeError(
                f"{text!r} is neither numbers, 104,117,123, nor a file that is there"
            ) from None
    return text


def baselines(text: str) -> tuple[tuple[str, float | None], ...]:
    """Baselines, each with a learning rate or without.

    Example:
        >>> baselines("scratch:0.01,frozen")
        (('scratch', 0.01), ('frozen', None))
    """
    pairs = (name.partition(":") for name in text.split(",") if name)
    return tuple((name, _number(lr) if colon else None) for name, colon, lr in pairs)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number") from None
