"""``chainer-ft``: find the verb, run it, turn errors into sentences and exit codes."""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence

from chainer_ft.cli.output import flush, give_up, say
from chainer_ft.cli.parser import make_parser
from chainer_ft.errors import ChainerFTError
from chainer_ft.formats.provenance import file_hash
from chainer_ft.host import Host, set_default_host
from chainer_ft.host.selection import Selection
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
    if isinstance(sys.stdout, io.TextIOWrapper):  # names that the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    debug = "--debug" in _ours(arguments)
    try:
        return _flushed(_answered(arguments, debug), debug)
    except SystemExit:  # argparse's, or that of a script
        if _flushed(0, debug):
            return 3
        raise


def _answered(arguments: list[str], debug: bool) -> int:
    """The verb's exit code; or a sentence on stderr, and the code of what is wrong."""
    try:
        return _run(arguments)
    except ChainerFTError as error:
        return _explain(error, str(error), error.exit_code, debug)
    except BrokenPipeError:  # a verb of a plugin, which was still printing
        give_up(sys.stdout)
        return 0
    except OSError as error:
        if error.filename is not None:  # a file that a model, a plugin or a library wanted
            sentence = f"{error.filename}: {error.strerror}; --debug shows who wanted it"
            return _explain(error, sentence, 3, debug)
        give_up(sys.stdout)
        return _unwritable(error, debug)
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


def _flushed(code: int, debug: bool) -> int:
    """The exit code; 3 where all went well but for the end of the output."""
    try:
        flush()
    except OSError as error:
        unwritable = _unwritable(error, debug)
        return code or unwritable
    return code


def _unwritable(error: OSError, debug: bool) -> int:
    return _explain(error, f"the output cannot be written: {error.strerror}", 3, debug)


def _run(arguments: list[str]) -> int:
    known, verb = _scout(arguments)
    if verb in ("copy", "convert") and "--dry-run" not in arguments:
        _begin_hash(arguments[arguments.index(verb) + 1 :])
    quiet = verb in ("plugins", "doctor")  # which show all problems themselves
    host = Host(known, warn=_silence if quiet else _warn)
    set_default_host(host)
    if verb:
        host.get(Subcommand, verb)
    parser = make_parser(host)
    options = parser.parsed(arguments)
    if not options.verb:
        parser.print_help()
        return 2
    if not quiet and verb != "run":
        host.problems()  # asks every plugin, so that all is said before the work begins
    return int(options.run(options) or 0)


def _warn(sentence: str) -> None:
    say(f"chainer-ft: warning: {sentence}", sys.stderr)


def _silence(sentence: str) -> None:
    """Say nothing."""


def _explain(error: BaseException | None, sentence: str, code: int, debug: bool) -> int:
    if debug and error is not None:
        say("".join(traceback.format_exception(error)).rstrip(), sys.stderr)
    say(f"chainer-ft: {sentence}", sys.stderr)
    return code


def _begin_hash(arguments: Sequence[str]) -> None:
    """Begin the longest job of a copy, the hash of SRC, while the rest is still being imported."""
    files = (argument.partition("::")[0] for argument in arguments)
    source = next((file for file in files if os.path.isfile(file)), None)
    if source is not None:
        file_hash(source)


def _scout(arguments: Sequence[str]) -> tuple[Selection, str]:
    """Plugins are chosen before the parser exists, since they add verbs to it."""
    scout = argparse.ArgumentParser(prog="chainer-ft", add_help=False, allow_abbrev=False)
    scout.add_argument("-p", dest="plugin", action="append", default=[])
    scout.add_argument("--no-plugins", action="store_true")
    scout.add_argument("-phase", help="of `caffe`, or else it would be `-p hase`")
    known, _ = scout.parse_known_args(_ours(arguments))
    return Selection.from_environment(known.plugin, known.no_plugins), _verb(arguments)


def _ours(arguments: Sequence[str]) -> list[str]:
    """The arguments that are ours: what follows the verb ``run`` is the script's."""
    place = _place_of_verb(arguments)
    return list(arguments[:place] if _verb(arguments) == "run" else arguments)


def _verb(arguments: Sequence[str]) -> str:
    place = _place_of_verb(arguments)
    return arguments[place] if place < len(arguments) else ""


def _place_of_verb(arguments: Sequence[str]) -> int:
    """Index of the first argument that is neither an option nor the value of ``-p``."""
    place = 0
    while place < len(arguments) and arguments[place].startswith("-"):
        place += 2 if arguments[place] == "-p" else 1
    return place


if __name__ == "__main__":
    sys.exit(main())
