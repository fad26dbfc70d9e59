"""The parser of ``chainer-ft``: one child for each verb, of the built-ins and of plugins."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from chainer_ft import __version__
from chainer_ft.errors import PluginError
from chainer_ft.host import Host, Provided
from chainer_ft.host.records import cause_of
from chainer_ft.types import Subcommand


def make_parser(host: Host) -> argparse.ArgumentParser:
    """The parser, with the verbs of all plugins."""
    common = _common()
    parser = argparse.ArgumentParser(
        prog="chainer-ft",
        description="Copy weights from anywhere into a Chainer model, and see what happened.",
        epilog="Exit codes: 0 done, 1 refused, 2 usage, 3 file trouble, 4 a plugin failed.",
        parents=[common],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"chainer-ft {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for one in host.all(Subcommand).values():
        verb = _checked(one, host, common)
        child = verbs.add_parser(
            verb.name, help=verb.summary, description=verb.summary, **_style(verb, common)
        )
        verb.add_arguments(child)
        child.set_defaults(run=verb.run)
    return parser


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("for every verb")
    group.add_argument(
        "-p", dest="plugin", action="append", metavar="no:NAME", help="block a plugin"
    )
    group.add_argument("--no-plugins", action="store_true", help="load the built-ins only")
    group.add_argument("--debug", action="store_true", help="show tracebacks")
    return common


def _style(verb: Subcommand, common: argparse.ArgumentParser) -> dict[str, Any]:
    """What follows ``run`` is the script's, so that verb has no options of ours."""
    return {"allow_abbrev": False, "parents": [] if verb.name == "run" else [common]}


def _checked(one: Provided[Subcommand], host: Host, common: argparse.ArgumentParser) -> Subcommand:
    """The verb, or, where its arguments cannot be added, one that says so when it is called."""
    verb = one.item
    try:
        verb.add_arguments(argparse.ArgumentParser(**_style(verb, common)))
        return verb
    except (Exception, SystemExit) as error:
        host.blame(one.plugin, error)
        return _broken(verb, f"verb {verb.name!r} of plugin {one.plugin} failed: {cause_of(error)}")


def _broken(verb: Subcommand, sentence: str) -> Subcommand:
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("anything", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)

    def run(options: argparse.Namespace) -> int:
        raise PluginError(sentence)

    return replace(verb, add_arguments=add_arguments, run=run)
