"""``chainer-ft copy SRC DST``: put the weights of SRC into DST."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from chainer_ft.cli.output import say
from chainer_ft.cli.progress import watched
from chainer_ft.cli.rules import add_cache, add_rules, floor, rules
from chainer_ft.errors import ChainerFTError, UsageError
from chainer_ft.report.json import outcome_data
from chainer_ft.report.table import wants_colour
from chainer_ft.report.text import plan_table
from chainer_ft.types import Outcome, Plan, Subcommand


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_plan_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the plan, write nothing")
    parser.add_argument("--compress", action="store_true", help="compress the result (slow)")


def add_plan_arguments(parser: ArgumentParser) -> None:
    """Add what ``copy`` and ``plan`` have in common."""
    parser.add_argument("src", metavar="SRC", help="weights file, or FILE::PREFIX for a part of it")
    parser.add_argument(
        "dst",
        metavar="DST",
        help="package.module:callable or file.py:callable; an existing weights file; a new file",
    )
    parser.add_argument("-o", dest="out", metavar="OUT", help="file for the result")
    parser.add_argument(
        "--policy", default="name", help="name, shape, or a plugin's (default: name)"
    )
    add_cache(parser)
    add_rules(parser)
    group = parser.add_argument_group("conditions; where one fails, nothing is written")
    group.add_argument(
        "--min-coverage",
        type=floor,
        default=0.0,
        metavar="0.0-1.0",
        help="least share of the target's parameters to fill",
    )
    group.add_argument(
        "--strict", action="store_true", help="every target filled, every source used"
    )
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(options: Namespace) -> int:
    """Run the verb."""
    from chainer_ft.transfer import open as open_source
    from chainer_ft.transfer import plan
    from chainer_ft.transfer.models import is_model_spec

    if is_model_spec(options.dst) and not options.out and not options.dry_run:
        raise UsageError(f"{options.dst}: is a model; name a file for the result: -o out.npz")
    with open_source(options.src, cache=options.cache) as source:
        made = plan(
            watched(source),
            options.dst,
            policy=options.policy,
            out=options.out,
            min_coverage=options.min_coverage,
            strict=options.strict,
            compress=getattr(options, "compress", False),
            **rules(options),
        )
        return finish(made, options)


def finish(made: Plan, options: Namespace) -> int:
    """Apply the plan, unless it is a dry run, and print it; a refused one is printed too."""
    outcome: Outcome | None = None
    error: ChainerFTError | None = None
    try:
        if options.dry_run:
            made.check()
        else:
            outcome = made.apply()
    except ChainerFTError as refused:
        error = refused
    say(_json(made, outcome, error) if options.json else _text(made, outcome))
    if error is not None:
        raise error
    return 0


def _json(made: Plan, outcome: Outcome | None, error: ChainerFTError | None) -> str:
    data = outcome_data(made, outcome)
    return json.dumps({**data, "error": None if error is None else str(error)}, indent=1)


def _text(made: Plan, outcome: Outcome | None) -> str:
    table = plan_table(made, wants_colour())
    return f"{table}\nwritten: {outcome.written}" if outcome and outcome.written else table


VERB = Subcommand("copy", "put the weights of SRC into DST", add_arguments, run)
