"""``chainer-ft convert SRC OUT``: everything, in the format of OUT's suffix."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from chainer_ft.cli.copy import finish
from chainer_ft.cli.progress import watched
from chainer_ft.cli.rules import add_cache, add_rules, rules
from chainer_ft.types import Subcommand


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("src", metavar="SRC", help="weights file, or FILE::PREFIX for a part of it")
    parser.add_argument("out", metavar="OUT", help="file to write; replaced if it exists")
    add_cache(parser)
    add_rules(parser)
    parser.add_argument("--compress", action="store_true", help="compress the result (slow)")
    parser.add_argument("--dry-run", action="store_true", help="show the plan, write nothing")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> int:
    """Run the verb."""
    from chainer_ft.transfer import open as open_source
    from chainer_ft.transfer.copying import plan_new_file

    with open_source(options.src, cache=options.cache) as source:
        made = plan_new_file(
            watched(source), options.out, compress=options.compress, **rules(options)
        )
        return finish(made, options)


VERB = Subcommand("convert", "write a weights file in another format", add_arguments, run)
