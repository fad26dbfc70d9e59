"""``Thread.setDaemon`` is deprecated since Python 3.10."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

from chainer_ft.compat._patch import Patch
from chainer_ft.compat._probe import set_daemon_is_deprecated


class _Thread(threading.Thread):
    """A thread that still has the old setter."""

    def setDaemon(self, daemonic: bool) -> None:  # noqa: N802  (the old name)
        self.daemon = daemonic


class _Threading(ModuleType):
    """``threading`` with that thread, for one module of Chainer."""

    Thread = _Thread

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)


def _shadow_threading(module: ModuleType) -> None:
    module.threading = _Threading("threading")  # type: ignore[attr-defined]


PATCHES = (
    Patch(
        name="multiprocess-iterator-daemon",
        module="chainer.iterators.multiprocess_iterator",
        where="chainer/iterators/multiprocess_iterator.py:475",
        reason="Thread.setDaemon warns, and MultiprocessIterator stops there when warnings are "
        "errors; a later Python will not have it.",
        needed=set_daemon_is_deprecated,
        apply=_shadow_threading,
    ),
)
