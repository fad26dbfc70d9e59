"""The parser of ``chainer-ft``: one child for each verb, of the built-ins and of plugins."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chainer_ft import __version__
from chainer_ft.errors import PluginError
from chainer_ft.host import Host, Provided
from chainer_ft.host.records import cause_of
from chainer_ft.select import nearest
from chainer_ft.types import Subcommand


class Parser(argparse.ArgumentParser):
    """The parser, which has an answer for an option that it does not know."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.verbs: dict[str, argparse.ArgumentParser] = {}

    def parsed(self, arguments: Sequence[str]) -> argparse.Namespace:
        """What the arguments say; where one belongs to nothing, the nearest options, and exit 2."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            known = self.verbs.get(options.verb or "", self)
            known.error(_unknown(unknown[0].partition("=")[0], known))
        return options


def _unknown(argument: str, parser: argparse.ArgumentParser) -> str:
    known = dict.fromkeys(re.findall(r"(?<![\w-])--?\w[\w-]*", parser.format_help()))
    if argument.startswith("-"):
        said = f"there is no option {argument}; {nearest(argument, known)}"
    else:
        said = f"{argument!r} is one argument too many"
    return f"{said}; see `{parser.prog} --help`"


def make_parser(host: Host) -> Parser:
    """The parser, with the verbs of all plugins."""
    common = _common()
    parser = Parser(
        prog="chainer-ft",
        description="Copy weights from anywhere into a Chainer model, and see what happened.",
        epilog="Exit codes: 0 done, 1 refused, 2 usage, 3 file trouble, 4 a plugin failed.",
        parents=[common],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"chainer-ft {__version__}")
    verbs = parser.add_subparsers(
        dest="verb", metavar="VERB", title="verbs", parser_class=argparse.ArgumentParser
    )
    for one in host.all(Subcommand).values():
        verb = _checked(one, host, common)
        child = verbs.add_parser(
            verb.name, help=verb.summary, description=verb.summary, **_style(verb, common)
        )
        verb.add_arguments(child)
        parser.verbs[verb.name] = child
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
