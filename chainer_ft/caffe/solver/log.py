"""A log that Caffe's own scripts read: glog's prefix, Caffe's files and lines, its numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np


class Stream(Protocol):
    """What a log is written to: a file, or something that lets it pass."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...


@dataclass(frozen=True)
class Log:
    """Writes lines as glog 0.4 did; newer ones put the year first, which parse_log.py refuses.

    Args:
        stream: Where they go, standard error say; ``None`` for nowhere.
        now: The clock.

    Example:
        >>> import sys
        >>> clock = lambda: datetime(2016, 11, 22, 11, 1, 30, 391878)
        >>> Log(sys.stdout, clock)("solver.cpp:347", "Iteration 0, Testing net (#0)")
        I1122 11:01:30.391878 ... solver.cpp:347] Iteration 0, Testing net (#0)
    """

    stream: Stream | None = None
    now: Callable[[], datetime] = datetime.now

    def __call__(self, place: str, message: str, level: str = "I") -> None:
        """Write a line.

        Args:
            place: Where Caffe writes it, ``solver.cpp:347``.
            message: What it says; may go on over several lines.
            level: ``I``, ``W`` or ``E``.
        """
        if self.stream is None:
            return
        time = self.now().strftime("%m%d %H:%M:%S.%f")
        thread = threading.get_native_id()
        self.stream.write(f"{level}{time} {thread:>5} {place}] {message}\n")
        self.stream.flush()


def number(value: float | np.floating) -> str:
    """A number as C++ streams print it: six significant digits.

    Example:
        >>> number(0.1), number(1e-07), number(3.0), number(1234567.0)
        ('0.1', '1e-07', '3', '1.23457e+06')
    """
    return f"{float(value):g}"
