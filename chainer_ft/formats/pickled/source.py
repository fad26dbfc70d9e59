"""A pickle as a source: listed from its records, read from the stream."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainer_ft.errors import UnsafeError
from chainer_ft.formats.layout import check_names
from chainer_ft.formats.mapped import MappedFile
from chainer_ft.formats.pickled import reading
from chainer_ft.formats.pickled.arrays import ArrayRef, Arrays
from chainer_ft.formats.pickled.describe import details, printable, remarks
from chainer_ft.formats.pickled.links import Found, LinkRecord, Links
from chainer_ft.formats.pickled.plain import plain_arrays
from chainer_ft.formats.pickled.records import Call
from chainer_ft.formats.pickled.running import collector_paused, run_all
from chainer_ft.formats.pickled.search import roots
from chainer_ft.formats.pickled.slots import Slot, slots_of
from chainer_ft.types import Listing, Source

_Root = tuple[tuple[str, ...], LinkRecord]


class PickleSource(Source):
    """One file of one or more pickles.

    Args:
        path: The file, for messages.
        file: The stream.
        whole: Whether the stream is the file, and not what was packed into it.

    Raises:
        FormatError: It is damaged.
        UnsafeError: It asks for more than any model needs.
    """

    format = "pickle"

    def __init__(self, path: str, file: MappedFile, whole: bool = True) -> None:
        self.name, self.file, self.whole = path, file, whole
        self.data = file.stream
        with collector_paused():
            self._read_records(path)

    def _read_records(self, path: str) -> None:
        self.results, machine, rest = run_all(self.data, path)
        self.protocol, self._calls = machine.protocol, machine.calls
        self._fetched = machine.fetched
        self._arrays = Arrays(self.data, path)
        links = Links(self._arrays)
        models = self._models(links)
        self._slots, left_out = slots_of(self._found(links, models), self._arrays)
        check_names(self._slots, path)
        self._listing = Listing(tuple(slot.entry for slot in self._slots.values()), path)
        refs = [slot.ref for slot in self._slots.values() if slot.ref]
        self.is_slow = not self.whole or not all(ref.is_plain for ref in refs)
        self.notes = (
            *_where(models, path),
            *_unlisted(left_out),
            *remarks(machine, self.results, rest),
        )
        self.details = details(links, models, machine)

    @property
    def listing(self) -> Listing:
        return self._listing

    def all_arrays(self) -> Iterator[ArrayRef]:
        """Every array in the stream: weights, gradients, an optimizer's state."""
        for call in self._calls:
            ref = self._arrays.find_quietly(call)
            if isinstance(ref, ArrayRef):
                yield ref

    def is_fetched(self, ref: ArrayRef) -> bool:
        """Whether the bytes of an array stand in a second place, as one-byte strings do."""
        record = ref.record
        holder = record.states[-1] if record.states else record.args
        # Bytes may be the result of a call, as text that is encoded; dtypes are shared by right.
        calls = [p for p in holder if isinstance(p, Call) and p.name != "numpy.dtype"]
        parts = (ref.raw, holder, *calls, *(call.args for call in calls))
        return not self._fetched.isdisjoint(map(id, parts))

    def slot(self, path: str) -> Slot:
        """Where an entry's numbers are."""
        return self._slots[path]

    def read(self, path: str) -> np.ndarray:
        slot = self._readable(path)
        if slot.ref is not None:
            return reading.whole_array(self.file, slot.ref, f"{self.name}::{path}")
        assert slot.number is not None
        return slot.number.copy()

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        ref = self._readable(path).ref
        if ref is None or (ref.fortran and len(ref.shape) > 1):
            return super().blocks(path)
        return reading.blocks(self.file, ref, f"{self.name}::{path}")

    def close(self) -> None:
        self.file.close()

    def _readable(self, path: str) -> Slot:
        slot = self._slots[path]
        if slot.entry.note:
            raise UnsafeError(f"{self.name}::{path}: {slot.entry.note}; it is not read")
        return slot

    def _models(self, links: Links) -> list[_Root]:
        """Those of the first pickle, or else of all that follow."""
        first = roots(links, self.results[0])
        return first or [root for result in self.results[1:] for root in roots(links, result)]

    def _found(self, links: Links, models: list[_Root]) -> Iterator[Found]:
        if not models:
            yield from plain_arrays(self._arrays, self.results)
        for way, root in models:
            yield from links.walk(root, () if len(models) == 1 else way)


def _where(models: list[_Root], path: str) -> list[str]:
    """Where the models are, unless the pickle is one."""
    ways = [printable("/" + "/".join(way)) for way, _ in models]
    if len(ways) > 1:
        named = ", ".join(ways[:5])
        return [f"{len(ways)} models: {named}; choose one with {path}::/PREFIX"]
    return [f"the model is at {way}" for way in ways if way != "/"]


def _unlisted(paths: list[str]) -> list[str]:
    if not paths:
        return []
    named = ", ".join(printable(path) for path in paths[:5])
    return [f"{len(paths)} arrays whose paths are taken or no paths are left out: {named}"]
