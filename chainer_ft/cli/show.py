"""``chainer-ft show FILE``: what is in there, and where it came from."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from chainer_ft.cli.output import say
from chainer_ft.cli.rules import add_cache
from chainer_ft.report.json import source_data
from chainer_ft.report.text import source_table
from chainer_ft.types import Subcommand


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("file", metavar="FILE", help="weights file, or FILE::PREFIX")
    add_cache(parser)
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> int:
    """Run the verb."""
    from chainer_ft.transfer import open as open_source

    with open_source(options.file, cache=options.cache) as source:
        say(json.dumps(source_data(source), indent=1) if options.json else source_table(source))
    return 0


VERB = Subcommand("show", "list what is in a weights file", add_arguments, run)
