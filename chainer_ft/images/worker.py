"""What runs in a worker process: prepare batches in memory that is shared, until nobody asks."""

from __future__ import annotations

import json
import mmap
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np

import chainer_ft
from chainer_ft.errors import ChainerFTError
from chainer_ft.images.samples import Place, Samples

#: What starts a worker: no module of the parent's script, and of what its search path has besides
#: Python's own only what nothing else provides (a model's folder may hold a ``numpy.py``).
COMMAND = (
    "import sys; sys.path[:] = [*filter(None, sys.path)]; "
    "import json; root, *rest = json.loads(sys.argv[1]); sys.path[:] = [root, *sys.path, *rest]; "
    "from chainer_ft.images.worker import main; main(*map(int, sys.argv[2:]))"
)


class Work(NamedTuple):
    """What a worker is told first.

    Attributes:
        samples: What to prepare.
        shape: Of the shared memory as float32: slots, images of a batch, and an image's own.
    """

    samples: Samples
    shape: tuple[int, ...]


class Failure(NamedTuple):
    """What went wrong with a batch.

    Attributes:
        text: What to say of it.
        is_expected: Whether it is an image that cannot be read, and no fault of the program.
    """

    text: str
    is_expected: bool


def command(connection: int, memory: int) -> list[str]:
    """The command line of a worker.

    Args:
        connection: File number of its end of the pipe.
        memory: File number of the shared memory.
    """
    root = str(Path(chainer_ft.__file__).parent.parent)
    path = json.dumps([root, *(entry for entry in sys.path if entry)])
    return [sys.executable, "-c", COMMAND, path, str(connection), str(memory)]


def main(connection: int, memory: int) -> None:
    """Prepare one batch after the other, until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    warnings.simplefilter("ignore")
    pipe, shared = Connection(connection), mmap.mmap(memory, 0)
    with suppress(EOFError, ConnectionError):
        work: Work = pipe.recv()
        slots = np.frombuffer(shared, np.float32).reshape(work.shape)
        while True:
            slot, batch = pipe.recv()
            pipe.send(prepare(work.samples, batch, slots[slot]))


def prepare(samples: Samples, batch: Sequence[Place], out: np.ndarray) -> Failure | None:
    """Write the inputs of a batch into ``out``."""
    try:
        for number, place in enumerate(batch):
            out[number] = samples.input(place.image, place.epoch)
    except ChainerFTError as error:
        return Failure(str(error), is_expected=True)
    except Exception:
        return Failure(traceback.format_exc(), is_expected=False)
    return None
