"""Running an old script as ``python script.py`` would, on today's stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chainer_ft.errors import UsageError


def run(path: str | os.PathLike[str], argv: Sequence[str]) -> None:
    """Run a script as ``__main__``; what it raises, it raises here."""
    script = os.fspath(path)
    if not os.path.exists(script):
        raise UsageError(
            f"{script}: there is no such script. Type `chainer-ft run SCRIPT [ARGS...]`, "
            "with a path to a Python file."
        )
    with _as_python_starts(script, argv):
        import runpy

        runpy.run_path(script, run_name="__main__")


@contextmanager
def _as_python_starts(script: str, argv: Sequence[str]) -> Iterator[None]:
    """``sys.argv`` and ``sys.path`` as the interpreter sets them for a script."""
    old_argv, old_path = sys.argv, sys.path
    sys.argv = [script, *argv]
    if not getattr(sys.flags, "safe_path", False):
        sys.path = [os.path.dirname(os.path.realpath(script)), *old_path[1:]]
    try:
        yield
    finally:
        sys.argv, sys.path = old_argv, old_path
