"""The options that copy, plan and convert have in common."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from chainer_ft.errors import UsageError
from chainer_ft.planning import checked_floor


def add_rules(parser: ArgumentParser) -> None:
    """Add ``--rename``, ``--skip`` and ``--only``."""
    group = parser.add_argument_group("rules; each must hit something")
    group.add_argument(
        "--rename",
        action="append",
        default=[],
        type=rename,
        metavar="REGEX=REPLACEMENT",
        help="rename source paths (repeatable)",
    )
    group.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out what this hits, on both sides (repeatable)",
    )
    group.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out everything else, on both sides (repeatable)",
    )


def add_cache(parser: ArgumentParser) -> None:
    """Add ``--cache``."""
    parser.add_argument(
        "--cache",
        action="store_true",
        help="keep an unpacked copy of a slow source (see `chainer-ft cache`)",
    )


def rename(text: str) -> tuple[str, str]:
    """Split ``REGEX=REPLACEMENT`` at its last ``=``.

    Example:
        >>> rename("^/fc8/=/score/")
        ('^/fc8/', '/score/')
    """
    pattern, separator, replacement = text.rpartition("=")
    if not separator or not pattern:
        raise ArgumentTypeError(f"{text!r} is not like '^/fc8/=/score/'")
    return pattern, replacement


def floor(text: str) -> float:
    """A coverage floor.

    Example:
        >>> floor("0.9")
        0.9
    """
    try:
        return checked_floor(float(text))
    except UsageError as error:
        raise ArgumentTypeError(str(error)) from error


def rules(options: Namespace) -> dict[str, Any]:
    """The parsed rules, as keywords of :func:`chainer_ft.plan`."""
    return {"rename": options.rename, "skip": options.skip, "only": options.only}
