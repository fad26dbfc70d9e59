"""Features: what the frozen beginning of a model gives, computed once and kept in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import chainer
import numpy as np

from chainer_ft.finetune import proof
from chainer_ft.finetune.cache import FeatureFile
from chainer_ft.finetune.columns import SCHEMA
from chainer_ft.finetune.cut import Cached, Cut
from chainer_ft.finetune.fingerprints import key_of, of_weights
from chainer_ft.finetune.job import Job
from chainer_ft.finetune.split import CannotSplit
from chainer_ft.training.digest import digest

Progress = Callable[[int, int], None]


class Features:
    """What the frozen beginning of a function gives, of every example.

    Args:
        job: The function, and what it is called with.
        exact: Refuse where features change by a bit with the other samples of their batch.

    Attributes:
        cut (Cut): Where the beginning ends.

    Raises:
        CannotSplit: There is nothing to keep, or it would not be the same.
    """

    def __init__(self, job: Job, exact: bool = True) -> None:
        self.job, self.exact = job, exact
        job.check()
        self._chunks = range(-(-len(job.examples) // job.chunk))
        # begun now, so that the first are there when the cut is found
        self._coming = self._begun(self._chunks) if job.has_frozen else None
        self.cut = Cut(job)
        proof.check_batches(self.cut, exact)
        self._file: FeatureFile | None = None

    def prepare(
        self,
        folder: str | os.PathLike[str],
        limit: int = 8 << 30,
        progress: Progress | None = None,
    ) -> None:
        """Compute what is not in the file yet.

        Args:
            folder: Where the file is, or is made.
            limit: Bytes that it may have.
            progress: Called with the rows that are there, and all.

        Raises:
            CannotSplit: The file would be larger, or the examples are random, or a check fails.
            FormatError: It cannot be written.
        """
        count = len(self.job.examples)
        total = sum(column.nbytes for column in self.cut.columns) * count
        if total > limit:
            raise CannotSplit(f"the features take {total:,} bytes, over the limit of {limit:,}")
        file = FeatureFile(folder, self.key(), self.cut.columns, count, self.cut.size)
        missing = list(file.missing())
        try:
            self._fill(file, missing, progress)
            self._file = file
            proof.check_file(self, self.exact)
        except CannotSplit:
            self.close(remove=True)
            if missing:
                raise
            self.prepare(folder, limit, progress)  # it was not what its name says
        except BaseException:
            file.close()  # what is in it counts when it is opened again
            raise

    def batch(self, rows: np.ndarray) -> Cached:
        """A batch of these rows from the file; ``features.cut(batch)`` calls the function."""
        return self.cut.cached(rows, [array[rows] for array in self.file.arrays])

    @property
    def file(self) -> FeatureFile:
        """The file, once it is prepared."""
        assert self._file is not None
        return self._file

    def key(self) -> str:
        """What the numbers in the file depend on, as hexadecimal digits."""
        one, job = self.cut.split, self.job
        calls = [
            [call.label, call.inputs, call.outputs, call.settings]
            for k, call in enumerate(one.calls)
            if k in one.needed
        ]
        cut = [one.columns, one.given, self.cut.size, job.training]
        device = str(chainer.get_device(job.device or "@numpy"))
        versions = [np.__version__, chainer.__version__, str(chainer.config.dtype), device]
        weights, inputs = of_weights(job.model), job.examples.fingerprint()
        first = list(map(digest, self.cut.watched.columns))  # what no setting tells: a converter
        return key_of([SCHEMA, calls, cut, weights, inputs, first, versions])

    def close(self, remove: bool = False) -> None:
        """Close the file, and delete it if wanted."""
        if self._file is not None:
            self._file.remove() if remove else self._file.close()
            self._file = None

    def _fill(self, file: FeatureFile, missing: list[int], progress: Progress | None) -> None:
        coming = self._coming
        if coming is None or missing != [*self._chunks]:
            coming = self._begun(missing)
        for index in missing:
            rows = min(file.chunk, file.rows - index * file.chunk)
            columns = self._columns(next(coming)) if index else self.cut.watched.columns
            file.write(index, [array[:rows] for array in columns])
            if progress is not None:
                progress(min((index + 1) * self.cut.size, file.rows), file.rows)
        file.finish()
        self._coming = None

    def _begun(self, chunks: Iterable[int]) -> Iterator[list[Any]]:
        """The examples of these batches, but of the first, of which the columns are known."""
        return self.job.examples.ahead([self._rows(index) for index in chunks if index])

    def _rows(self, index: int) -> list[int]:
        """The rows of one batch; the last one is filled up in training."""
        size, total = self.job.chunk, len(self.job.examples)
        rows = range(index * size, (index + 1) * size)
        return [row % total for row in rows if self.job.training or row < total]

    def _columns(self, examples: Sequence[Any]) -> list[np.ndarray]:
        return self.cut.computed(self.job.converted(examples))

    def __str__(self) -> str:
        one = self.cut.split
        return (
            f"{len(one.skipped)} of {len(one.calls)} functions are left out, "
            f"{sum(column.nbytes for column in self.cut.columns):,} bytes a sample are kept"
        )
