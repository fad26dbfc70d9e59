"""``chainer-ft run SCRIPT``: an unmodified Chainer script on today's stack."""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser, Namespace

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
    except Exception:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


VERB = Subcommand("run", "run an unmodified Chainer script on today's stack", add_arguments, run)
