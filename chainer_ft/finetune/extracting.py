"""Features of a layer as an HDF5 file for other tools."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chainer
import numpy as np

from chainer_ft.finetune.cache import FeatureFile
from chainer_ft.finetune.columns import Column
from chainer_ft.finetune.examples import Examples
from chainer_ft.finetune.fingerprints import key_of, of_dataset
from chainer_ft.finetune.reading import in_test_mode, reader
from chainer_ft.formats.atomic import old_file, replacing
from chainer_ft.links import slots
from chainer_ft.training.digest import digest

SCHEMA = "chainer_ft.features_hdf5/1"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Part:
    """Examples that become one group of the file.

    Args:
        name: Of the group.
        examples: ``(input, label)``, or what begins so.
        labels: Their labels.
        names: What each is called.
    """

    name: str
    examples: Sequence[Any]
    labels: Sequence[int]
    names: Sequence[str]


@dataclass(frozen=True)
class Extracted:
    """What was written.

    Args:
        path: The file.
        layer: What the features are of.
        shape: Of one sample.
        counts: Samples by group.
        computed: Batches that were computed now; the others were there from an earlier run.
    """

    path: str
    layer: str
    shape: tuple[int, ...]
    counts: Mapping[str, int]
    computed: int


def extract(
    model: chainer.Link,
    parts: Sequence[Part],
    out: str | os.PathLike[str],
    *,
    layer: str | None = None,
    classes: Sequence[str] = (),
    about: Mapping[str, Any] | None = None,
    batch_size: int = 32,
    device: Any = None,
    progress: Progress | None = None,
    workers: int = 0,
) -> Extracted:
    """Write the features of a layer to an HDF5 file.

    Each group has ``features``, ``labels`` and ``names``; the file ``classes`` and, in the
    attribute ``chainer_ft``, where they come from. What is computed is kept beside the file until
    that is whole, batch by batch: killed, it goes on where it was.

    Args:
        model: Called with a batch of inputs.
        parts: The groups.
        out: The file; replaced whole or left as it is.
        layer: See :func:`chainer_ft.finetune.reading.reader`; by default what the head reads.
        classes: Their names, by label.
        about: What else to keep in the attribute.
        batch_size: Samples computed at once.
        device: Where the model is.
        progress: Called with the samples done and all.
        workers: Processes that prepare images, at most, where there are many.

    Raises:
        RuleError: There is no such layer.
        FormatError: A file cannot be written.
    """
    old_file(out)
    where = chainer.get_device(device or "@numpy")
    first = where.send(np.asarray(parts[0].examples[0][0])[None])
    name, read = reader(model, layer, first)
    compute = in_test_mode(read)
    sample = compute(first)
    column = Column(sample.shape[1:], sample.dtype.str)
    work = _Work(compute, where, column, Path(out).resolve().parent, batch_size, progress, workers)
    weights = _weights(model)
    facts, total = [SCHEMA, name, weights, batch_size], sum(len(part.examples) for part in parts)
    computed = 0
    with ExitStack() as open_files:
        files = [open_files.enter_context(closing(work.file_of(part, facts))) for part in parts]
        for part, file in zip(parts, files, strict=True):
            computed += work.fill(file, part, total)
        _write(out, list(zip(parts, files, strict=True)), classes, {"layer": name, **(about or {})})
        for file in files:
            file.remove()
    counts = {part.name: len(part.examples) for part in parts}
    return Extracted(os.fspath(out), name, tuple(column.shape), counts, computed)


@dataclass
class _Work:
    """How the features of a part are computed, and where they are kept until all are there."""

    compute: Callable[[Any], np.ndarray]
    device: Any
    column: Column
    folder: Path
    size: int
    progress: Progress | None
    workers: int
    done: int = 0

    def file_of(self, part: Part, facts: list[Any]) -> FeatureFile:
        """The file of a part, as far as an earlier run has come with it."""
        count = len(part.examples)
        inputs = of_dataset(part.examples, count, part.examples.__getitem__)
        key = key_of([*facts, part.name, inputs])
        return FeatureFile(self.folder, f".{key}", [self.column], count, self.size)

    def fill(self, file: FeatureFile, part: Part, total: int) -> int:
        """Compute what is missing; gives how many batches that were."""
        size, rows = file.chunk, range(file.rows)
        missing = [(index, rows[index * size : (index + 1) * size]) for index in file.missing()]
        examples = Examples(part.examples, workers=self.workers)
        coming = examples.ahead([chosen for _, chosen in missing])
        for (index, chosen), batch in zip(missing, coming, strict=True):
            inputs = np.stack([np.asarray(example[0]) for example in batch])
            file.write(index, [self.compute(self.device.send(inputs))])
            if self.progress is not None:
                self.progress(self.done + chosen[-1] + 1, total)
        self.done += file.rows
        return len(missing)


def _weights(model: chainer.Link) -> dict[str, str]:
    return {s.path: digest(s.array) for s in slots(model) if hasattr(s.array, "dtype")}


def _write(
    out: str | os.PathLike[str],
    parts: Sequence[tuple[Part, FeatureFile]],
    classes: Sequence[str],
    about: Mapping[str, Any],
) -> None:
    import h5py

    text = h5py.string_dtype()
    with replacing(out) as temporary, h5py.File(temporary, "w", libver="earliest") as made:
        made.attrs["chainer_ft"] = json.dumps({"schema": SCHEMA, **about})
        made.create_dataset("classes", data=_texts(classes), dtype=text)
        for part, file in parts:
            group = made.create_group(part.name)
            group.create_dataset("features", data=file.arrays[0])
            group.create_dataset("labels", data=np.asarray(part.labels, np.int32))
            group.create_dataset("names", data=_texts(part.names), dtype=text)


def _texts(names: Sequence[str]) -> list[bytes]:
    """As UTF-8; names of files that are not, as the bytes that they are."""
    return [name.encode("utf-8", "surrogateescape") for name in names]
