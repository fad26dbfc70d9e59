"""``chainer-ft``: find the verb, run it, turn errors into sentences and exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from chainer_ft import __version__
from chainer_ft.errors import ChainerFTError
from chainer_ft.host import Host, set_default_host
from chainer_ft.host.loading import Selection
from chainer_ft.types import Subcommand

_INTERNAL = 70  # sysexits.h: an internal software error


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``chainer-ft``.

    Args:
        argv: Arguments; those of the process by default.

    Returns:
        int: 0 done, 1 refused, 2 usage, 3 a file could not be read or written, 4 a plugin failed.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.WARNING, format="chainer-ft: %(message)s")
    debug = "--debug" in _before_run(arguments)
    try:
        return _run(arguments)
    except ChainerFTError as error:
        return _explain(error, str(error), error.exit_code, debug)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _explain(None, "interrupted; nothing was left half-written", 130, False)
    except MemoryError as error:
        return _explain(error, "not enough memory", 3, debug)
    except Exception as error:
        sentence = (
            f"internal error: {type(error).__name__}: {error}; run again with --debug and report "
            "it with what `chainer-ft doctor` prints"
        )
        return _explain(error, sentence, _INTERNAL, debug)


def _run(arguments: list[str]) -> int:
    host = Host(_selection(arguments))
    set_default_host(host)
    parser = make_parser(host)
    options = parser.parse_args(arguments)
    if not options.verb:
        parser.print_help()
        return 2
    _warn_of_problems(host, options.verb)
    return int(options.run(options) or 0)


def _explain(error: BaseException | None, sentence: str, code: int, debug: bool) -> int:
    if debug and error is not None:
        raise error
    print(f"chainer-ft: {sentence}", file=sys.stderr)
    return code


def _warn_of_problems(host: Host, verb: str) -> None:
    """Say what is wrong with plugins, unless the verb is about to say it itself."""
    if verb in ("plugins", "doctor", "run"):
        return
    for sentence in host.problems():
        print(f"chainer-ft: warning: {sentence}", file=sys.stderr)


def make_parser(host: Host) -> argparse.ArgumentParser:
    """The parser, with the verbs of all plugins."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("for every verb")
    group.add_argument(
        "-p", dest="plugin", action="append", metavar="no:NAME", help="block a plugin"
    )
    group.add_argument("--no-plugins", action="store_true", help="load the built-ins only")
    group.add_argument("--debug", action="store_true", help="show tracebacks")
    parser = argparse.ArgumentParser(
        prog="chainer-ft",
        description="Copy weights from anywhere into a Chainer model, and see what happened.",
        epilog="Exit codes: 0 done, 1 refused, 2 usage, 3 file trouble, 4 a plugin failed.",
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"chainer-ft {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for one in host.all(Subcommand).values():
        verb = one.item
        child = verbs.add_parser(
            verb.name,
            help=verb.summary,
            description=verb.summary,
            allow_abbrev=False,
            parents=[] if verb.name == "run" else [common],
        )
        try:
            verb.add_arguments(child)
        except Exception as error:
            host.blame(one.plugin, error)
        child.set_defaults(run=verb.run)
    return parser


def _before_run(arguments: Sequence[str]) -> list[str]:
    """The arguments that are ours: what follows ``run`` is the script's."""
    return list(arguments[: arguments.index("run")] if "run" in arguments else arguments)


def _selection(arguments: Sequence[str]) -> Selection:
    """Plugins are chosen before the parser exists, since they add verbs to it."""
    scout = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    scout.add_argument("-p", dest="plugin", action="append", default=[])
    scout.add_argument("--no-plugins", action="store_true")
    known, _ = scout.parse_known_args(_before_run(arguments))
    return Selection.from_environment(known.plugin, known.no_plugins)


if __name__ == "__main__":
    sys.exit(main())
