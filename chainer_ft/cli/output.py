"""What the verbs print: a reader who leaves early costs the text, never the exit code."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a text for whoever still reads.

    A verb that printed with ``print`` would stop at the broken pipe of ``chainer-ft ... | head``
    and forget that it has refused.

    Args:
        text: The text, without the last newline.
        stream: Where to; stdout by default.
    """
    stream = stream or sys.stdout
    try:
        print(text, file=stream)
    except BrokenPipeError:
        give_up(stream)


def flush() -> None:
    """Write what is still in the buffer of stdout; Python would complain about it at exit.

    Raises:
        OSError: It cannot be written, a full disk say.
    """
    if sys.stdout is None or sys.stdout.closed:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        give_up(sys.stdout)
    except OSError:
        give_up(sys.stdout)
        raise


def give_up(stream: TextIO) -> None:
    """What is still in the stream's buffer, and all that follows, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
