"""A function of batches, cut into a frozen beginning and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np

from chainer_ft.finetune.batches import apply, flatten
from chainer_ft.finetune.calls import heard_by
from chainer_ft.finetune.columns import Column
from chainer_ft.finetune.computation import Source, Split
from chainer_ft.finetune.ghosts import CannotReplay, ghost
from chainer_ft.finetune.job import Job
from chainer_ft.finetune.outcome import named, outcome
from chainer_ft.finetune.replay import Attributes, Computing, Finished, Replaying, laid_out, stored
from chainer_ft.finetune.split import CannotSplit, split
from chainer_ft.finetune.tracing import Trace


@dataclass(frozen=True)
class Cached:
    """A batch whose beginning is computed already.

    Args:
        batch: What the function is called with; inputs that nobody reads are not there.
        rows: Its rows.
        columns: The features.
    """

    batch: Any
    rows: np.ndarray
    columns: dict[Source, Any]


@dataclass(frozen=True)
class Watched:
    """What came of the batch on which a function was watched.

    Args:
        columns: The columns, as they are kept.
        outcome: Result, reports and gradients.
    """

    columns: list[np.ndarray]
    outcome: dict[str, np.ndarray]


class Cut:
    """A function of batches, cut where the last frozen number is computed.

    The place is found by watching the function: every call of one of Chainer's functions that
    follows from the inputs and from frozen arrays alone belongs to the beginning, and what the
    others read of it are the columns, in which each sample has a row.

    Args:
        job: The function, and what it is called with.

    Attributes:
        size (int): Samples in a batch.
        columns (list of Column): What is kept of each sample: features, then inputs that are
            still read (labels).
        splits (dict): The calls, by size of the batch.
        first (~numpy.ndarray): The rows of the batch that was watched.
        watched (Watched): What came of it.

    Raises:
        CannotSplit: Nothing frozen stands at the beginning.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.size = job.chunk
        self.splits: dict[int, Split] = {}
        self._pinned: set[int] = set()
        self._idle: dict[int, Attributes] = {}
        self.first = np.arange(self.size) % len(job.examples)
        batch = job.batch(self.first)
        arrays, self._build = flatten(batch)
        self._inputs = [(tuple(array.shape[1:]), array.dtype.str) for array in arrays]
        self.watched = self._watch(batch)

    @property
    def split(self) -> Split:
        """The calls of a batch of the usual size."""
        return self.splits[self.size]

    @property
    def columns(self) -> list[Column]:
        outputs = [self.split.output(source) for source in self.split.columns]
        found = [
            Column(tuple(out.shape[axis] for axis in out.order if axis), out.dtype)
            for out in outputs
        ]
        return found + [Column(*self._inputs[i]) for i in self.split.given]

    def computed(self, batch: Any) -> list[np.ndarray]:
        """The columns of a converted batch, as they are kept.

        Raises:
            CannotSplit: The function reads live values before all that is frozen is computed.
        """
        arrays, _ = flatten(batch)
        one = self.split_for(len(arrays[0]))
        computing = Computing(one)
        with self.job.watched(), heard_by(computing):
            try:
                apply(self.job.function, batch)
            except Finished:
                pass
            except CannotReplay as error:
                raise CannotSplit(f"{error}, before all that is frozen is computed") from error
        return self._kept(one, computing.columns, arrays)

    def cached(self, rows: np.ndarray, kept: Sequence[np.ndarray]) -> Cached:
        """A batch of columns as they are kept."""
        one, device = self.split_for(len(rows)), chainer.get_device(self.job.device or "@numpy")
        columns = {
            source: laid_out(array, self.split.output(source).order, device)
            for source, array in zip(one.columns, kept, strict=False)
        }
        rest = zip(one.given, kept[len(one.columns) :], strict=True)
        given = {i: device.send(array) for i, array in rest}
        inputs = [
            given[i] if i in given else ghost((len(rows), *shape), dtype, Source("input", i))
            for i, (shape, dtype) in enumerate(self._inputs)
        ]
        return Cached(self._build(inputs), rows, columns)

    def __call__(self, cached: Cached) -> Any:
        """Call the function, and leave its beginning out.

        Raises:
            CannotReplay: It does something else than when it was watched.
        """
        replaying = Replaying(self.split_for(len(cached.rows)), cached.columns, self._idle)
        with heard_by(replaying):
            result = apply(self.job.function, cached.batch)
        replaying.finish()
        return result

    def split_for(self, size: int) -> Split:
        """The calls of a batch of this size.

        Raises:
            CannotSplit: They are others than those of the usual size.
        """
        if size not in self.splits:
            self._watch(self.job.batch(np.arange(size) % len(self.job.examples)))
            one, usual = self.splits[size], self.split
            if (one.columns, one.given) != (usual.columns, usual.given):
                raise CannotSplit("a smaller batch is computed in another way")
        return self.splits[size]

    def _watch(self, batch: Any) -> Watched:
        """Watch the function on a batch."""
        arrays, _ = flatten(batch)
        size = len(arrays[0])
        if any(len(array) != size for array in arrays):
            raise CannotSplit("an input has not as many rows as there are samples")
        trace = Trace(self.job.model, arrays)
        with self.job.watched() as reported:
            with heard_by(trace):
                values = named(apply(self.job.function, batch), reported)
            wanted = [trace.source(value) for value in values.values()]
            came = outcome(self.job.model, values)
        one = split(trace.calls, len(arrays), size, wanted, self._pinned, trace.spans)
        self.splits[size] = one
        for _, link in one.spans:
            self._idle[link] = Attributes(trace.links[link])
        return Watched(self._kept(one, trace.arrays, arrays), came)

    def _kept(self, one: Split, made: Mapping[Source, Any], inputs: list[Any]) -> list[np.ndarray]:
        """The columns of a batch, as they are kept."""
        features = [stored(made[s], one.output(s).order) for s in one.columns]
        return features + [stored(inputs[i], range(inputs[i].ndim)) for i in one.given]

    def pin(self, error: CannotReplay) -> None:
        """Keep an input that the function's own code reads.

        Raises:
            CannotSplit: It is no input that it reads.
        """
        source = error.source
        if not isinstance(source, Source) or source.kind != "input":
            raise CannotSplit(str(error)) from error
        self._pinned.add(source.place)
        self.watched = self._watch(self.job.batch(self.first))
