"""What a solver does when the user presses Ctrl-C, or the terminal goes away."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import FrameType, TracebackType
from typing import Any, Literal

from chainer_ft.errors import UsageError
from chainer_ft.select import nearest

Action = Literal["stop", "snapshot", "none"]
Requests = Callable[[], Action]
_ACTIONS = ("stop", "snapshot", "none")


def no_requests() -> Action:
    """Nobody asks for anything."""
    return "none"


class Signals(AbstractContextManager["Signals"]):
    """Turns SIGINT and SIGHUP into requests while its block runs; called, it gives the next one.

    Args:
        sigint: ``stop``, ``snapshot`` or ``none``.
        sighup: The same.

    Raises:
        UsageError: There is no such effect.

    Example:
        >>> import signal
        >>> with Signals() as requests:
        ...     signal.raise_signal(signal.SIGINT)
        ...     requests(), requests()
        ('stop', 'none')
    """

    def __init__(self, sigint: str = "stop", sighup: str = "snapshot") -> None:
        effects = {"SIGHUP": sighup, "SIGINT": sigint}  # SIGHUP is looked at first
        for name, effect in effects.items():
            if effect not in _ACTIONS:
                known = nearest(effect, _ACTIONS)
                raise UsageError(f"--{name.lower()}_effect {effect!r}: {known}")
        known_here = {name: e for name, e in effects.items() if hasattr(signal, name)}
        self._effects: Mapping[int, Any] = {getattr(signal, n): e for n, e in known_here.items()}
        self._got: set[int] = set()
        self._before: dict[int, Any] = {}

    def __call__(self) -> Action:
        for number, effect in self._effects.items():
            if number in self._got:
                self._got.discard(number)
                return effect  # type: ignore[no-any-return]
        return "none"

    def __enter__(self) -> Signals:
        if threading.current_thread() is not threading.main_thread():
            return self  # Python hands signals to the main thread only
        for number in self._effects:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._got.add(number)
