"""A progress bar of iterations below a log, both on a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import TextIO

_PATIENCE, _BETWEEN, _WIDTH = 2.0, 0.1, 30
_CLEAR = "\r\x1b[K"


class Bar:
    """Shows how far a run is, in the last line of a terminal, and lets a log pass above it.

    A context manager, and a stream to write the log to.

    Args:
        total: Iterations of the whole run.
        stream: Where the log goes; the bar is drawn only if it is a terminal.

    Example:
        >>> with Bar(2, sys.stdout) as bar:
        ...     _ = bar.write("a line of the log\\n")
        ...     bar.show(1)
        a line of the log
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._total = total
        self._is_shown = self._stream.isatty()
        self._began = self._last = time.monotonic()
        self._first: int | None = None
        self._line = ""

    def write(self, text: str) -> int:
        """Write to the log; the bar makes way."""
        self._stream.write(_CLEAR + text + self._line if self._line else text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def show(self, done: int, more: str = "") -> None:
        """Draw the bar.

        Args:
            done: Iterations done.
            more: Something to say behind them.
        """
        now = time.monotonic()
        self._first = done if self._first is None else self._first
        if not self._is_shown or now - self._began < _PATIENCE or now - self._last < _BETWEEN:
            return
        self._last = now
        rate = (done - self._first) / (now - self._began)
        left = f", {(self._total - done) / rate:,.0f} s left" if rate > 0 else ""
        share = min(done / max(self._total, 1), 1.0)
        bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
        line = f"[{bar}] {done} of {self._total}, {rate:.3g} iter/s{left}{more}"
        self._line = line[: shutil.get_terminal_size().columns - 1]
        self._stream.write(_CLEAR + self._line)
        self._stream.flush()

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._line:
            self._line = ""
            self.write("")
            self._stream.write(_CLEAR)
            self._stream.flush()
