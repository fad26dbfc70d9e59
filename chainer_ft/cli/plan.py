"""``chainer-ft plan SRC DST``: the same as ``copy --dry-run``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from chainer_ft.cli import copy
from chainer_ft.types import Subcommand


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    copy.add_plan_arguments(parser)


def run(options: Namespace) -> int:
    """Run the verb."""
    options.dry_run = True
    return copy.run(options)


VERB = Subcommand("plan", "show what copy would do, write nothing", add_arguments, run)
