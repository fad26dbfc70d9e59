"""What keeps a run resumable: snapshots, and a stop between two iterations."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any
from zipfile import BadZipFile

from chainer import Serializer
from chainer.serializers import load_npz, save_npz
from chainer.training import Extension, Trainer

from chainer_ft.errors import ChainerFTError, FormatError
from chainer_ft.finetune.folder import SNAPSHOT
from chainer_ft.formats.atomic import replacing
from chainer_ft.training.plain_data import load_state, save_state

_EVERY = 600.0  # seconds between two snapshots, where an epoch takes longer


class Interrupted(ChainerFTError):  # noqa: N818  it is no fault
    """The user stopped the run; it can go on where it was."""

    exit_code = 130


class Stopper:
    """Turns the first Ctrl-C into a stop at the end of the iteration; the second is one at once.

    Example:
        >>> stopper = Stopper()
        >>> with stopper.listening():
        ...     signal.raise_signal(signal.SIGINT)
        >>> stopper.is_asked
        True
    """

    def __init__(self) -> None:
        self.is_asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen in this block; only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True


class Keep(Extension):  # type: ignore[misc]
    """Trainer extension that writes the snapshot, whole or not at all.

    At the end of each epoch, after ten minutes, and before it stops the run.

    Args:
        stopper: Says when to stop.
        every: Iterations between two snapshots besides.
        run: What the run was told; a snapshot of another run is refused.
    """

    trigger = (1, "iteration")
    priority = -100  # all others have had their turn

    def __init__(self, stopper: Stopper, every: int | None = None, run: str = "") -> None:
        self.stopper, self.every, self.run = stopper, every, run
        self._last = time.monotonic()

    def __call__(self, trainer: Trainer) -> None:
        """Write, where it is time for it."""
        updater = trainer.updater
        asked = self.stopper.is_asked or (self.every and updater.iteration % self.every == 0)
        if not asked and not updater.is_new_epoch and time.monotonic() - self._last < _EVERY:
            return
        write_snapshot(trainer)
        self._last = time.monotonic()
        if self.stopper.is_asked:
            raise Interrupted(
                f"stopped after {updater.iteration} iterations; snapshot: {snapshot_of(trainer)}"
            )

    def serialize(self, serializer: Any) -> None:
        """Keep what the run was told, and compare.

        Raises:
            FormatError: The snapshot was taken by another run.
        """
        if isinstance(serializer, Serializer):
            save_state(serializer, self.run)
        elif load_state(serializer) not in (None, self.run):
            raise FormatError(
                "this snapshot was taken by a run with other settings; put the right one in its "
                "place, or delete it to begin anew"
            )


def snapshot_of(trainer: Trainer) -> str:
    """Path of a trainer's snapshot."""
    return os.path.join(trainer.out, SNAPSHOT)


def write_snapshot(trainer: Trainer) -> None:
    """Replace the snapshot.

    Raises:
        FormatError: It cannot be written; the one before it is still there.
    """
    save = partial(save_npz, compression=False)
    with replacing(snapshot_of(trainer)) as temporary:
        save(temporary, trainer)


def load_snapshot(trainer: Trainer) -> bool:
    """Bring a trainer where its snapshot is, if there is one.

    Raises:
        FormatError: It is damaged.
    """
    path = snapshot_of(trainer)
    if not os.path.exists(path):
        return False
    try:
        with open(path, "rb") as file:
            load_npz(file, trainer)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    except (KeyError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise FormatError(
            f"{path}: is no snapshot of this run ({type(error).__name__}: {error}); delete it to "
            "begin anew"
        ) from error
    return True
