"""Worker processes that prepare batches ahead of time, and the memory they write them into."""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import subprocess
import tempfile
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from multiprocessing import Pipe
from typing import BinaryIO, NoReturn

import numpy as np

from chainer_ft.errors import ChainerFTError, FormatError
from chainer_ft.images.samples import Place, Samples
from chainer_ft.images.worker import Failure, Work, command

_MEMORY = 1 << 28  # bytes for batches that wait, unless one for each worker needs more
_DEPTH = 3  # batches that wait, for each worker


class WorkerError(ChainerFTError):
    """A worker process is gone, or its work failed by a fault of the program."""


class Worker:
    """A process with a pipe to it.

    Args:
        memory: File number of the shared memory.
        work: What it shall prepare.
    """

    def __init__(self, memory: int, work: Work) -> None:
        self.pipe, theirs = Pipe()
        numbers = (theirs.fileno(), memory)
        # One thread for NumPy: a worker computes nothing that a second one would help with.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command(*numbers), pass_fds=numbers, stdin=subprocess.DEVNULL, env=environment
        )
        theirs.close()
        self.tell(work)

    def tell(self, message: object) -> None:
        """Send it something to do.

        Raises:
            WorkerError: It is gone.
        """
        # Not send(): it has the buffer of a BytesIO in its frame, which an error keeps; Python 3.12
        # crashes, and 3.13 complains, when that is collected in a cycle.
        try:
            self.pipe.send_bytes(pickle.dumps(message))
        except OSError:
            self._gone()

    def hear(self) -> Failure | None:
        """Wait for the end of its oldest batch.

        Raises:
            WorkerError: It is gone.
        """
        try:
            failure: Failure | None = self.pipe.recv()
        except (EOFError, OSError):
            self._gone()
        return failure

    def _gone(self) -> NoReturn:
        code = self.process.wait(timeout=60)
        how = f"ended with exit code {code}"
        if code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        if code == -signal.SIGKILL:
            how += ", as systems do when memory runs out: take fewer workers or smaller batches"
        raise WorkerError(
            f"a worker that prepares images (process {self.process.pid}) {how}; what was saved "
            "before is whole, resume from the last snapshot"
        )


class Pool:
    """Workers that prepare batches in turn.

    Args:
        samples: What to prepare.
        batch_size: Most images of a batch.
        workers: How many processes.

    Attributes:
        depth: How many batches may be asked for before the first is taken.
    """

    def __init__(self, samples: Samples, batch_size: int, workers: int) -> None:
        one = (batch_size, *samples.preprocessing.shape)
        affordable = _MEMORY // (4 * int(np.prod(one)))
        self.depth = max(workers + 1, min(_DEPTH * workers, affordable))
        self._waiting: deque[tuple[int, int]] = deque()
        self._asked = 0
        shape = (self.depth, *one)
        with _memory(4 * int(np.prod(shape))) as file:
            shared = mmap.mmap(file.fileno(), 0)
            self._slots = np.frombuffer(shared, np.float32).reshape(shape)
            self._workers: list[Worker] = []
            self._end = weakref.finalize(self, _stop, self._workers)
            for _ in range(workers):
                self._workers.append(Worker(file.fileno(), Work(samples, shape)))

    def ask(self, batch: Sequence[Place]) -> None:
        """Have a batch prepared.

        Raises:
            WorkerError: A worker is gone.
        """
        worker = self._workers[self._asked % len(self._workers)]
        worker.tell((self._asked % self.depth, list(batch)))
        self._waiting.append((self._asked, len(batch)))
        self._asked += 1

    def take(self) -> np.ndarray:
        """The inputs of the batch that was asked for first: float32, (n, channels, height, width).

        Raises:
            FormatError: One of its images cannot be read.
            WorkerError: A worker is gone, or failed.
        """
        number, count = self._waiting.popleft()
        failure = self._workers[number % len(self._workers)].hear()
        if failure is not None and failure.is_expected:
            raise FormatError(failure.text)
        if failure is not None:
            raise WorkerError(f"a worker that prepares images failed:\n{failure.text}")
        return self._slots[number % self.depth, :count].copy()

    def forget(self) -> None:
        """Wait for everything that was asked for, and let it go."""
        while self._waiting:
            self._workers[self._waiting.popleft()[0] % len(self._workers)].hear()

    def close(self) -> None:
        """End the processes."""
        self._end()


class Prepared:
    """The inputs of these batches, one after the other; workers begin with them at once.

    Args:
        samples: What to prepare.
        batches: Places in them; at least one batch.
        workers: How many processes.

    Raises:
        FormatError: An image cannot be read.
        WorkerError: A worker is gone, or failed.
    """

    def __init__(self, samples: Samples, batches: Sequence[Sequence[Place]], workers: int) -> None:
        self._pool = Pool(samples, max(map(len, batches)), workers)
        self._coming = iter(batches)
        self._left = len(batches)
        for batch in islice(self._coming, self._pool.depth):
            self._pool.ask(batch)

    def __iter__(self) -> Iterator[np.ndarray]:
        try:
            while self._left:
                self._left -= 1
                inputs = self._pool.take()
                for batch in islice(self._coming, 1):
                    self._pool.ask(batch)
                yield inputs
        finally:
            self._pool.close()


def _stop(workers: list[Worker]) -> None:
    for worker in workers:
        worker.process.kill()  # it keeps nothing that could be lost
        worker.pipe.close()
    for worker in workers:
        worker.process.wait()


def _memory(size: int) -> BinaryIO:
    """A file without a name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        file: BinaryIO = open(os.memfd_create("chainer_ft"), "w+b")  # noqa: SIM115  the caller does
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115
    os.truncate(file.fileno(), size)
    return file
