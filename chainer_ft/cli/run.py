"""``chainer-ft run SCRIPT``: an unmodified Chainer script on today's stack."""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from types import TracebackType

from chainer_ft.errors import ChainerFTError
from chainer_ft.types import Subcommand


def add_arguments(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("script", metavar="SCRIPT", help="a Python file")
    parser.add_argument("args", nargs=REMAINDER, metavar="ARGS", help="arguments of the script")


def run(options: Namespace) -> int:
    """Run the verb. The script's own exceptions are shown as Python shows them."""
    from chainer_ft import compat

    try:
        compat.run_script(options.script, options.args)
    except ChainerFTError:
        raise
    except Exception as error:
        trace = _below_us(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    return 0


def _below_us(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is the script's."""
    while trace is not None and _is_ours(trace.tb_frame.f_globals.get("__name__", "")):
        trace = trace.tb_next
    return trace


def _is_ours(module: str) -> bool:
    return module == "runpy" or module.startswith("chainer_ft.")


VERB = Subcommand("run", "run an unmodified Chainer script on today's stack", add_arguments, run)
