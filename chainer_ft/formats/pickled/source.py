"""A pickle as a source: listed from its records, read from the stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats.mapped import MappedFile
from chainer_ft.formats.pickled.arrays import ArrayRef, Arrays, NoArray, number_of
from chainer_ft.formats.pickled.describe import details, remarks
from chainer_ft.formats.pickled.links import Found, Links
from chainer_ft.formats.pickled.machine import Machine
from chainer_ft.formats.pickled.plain import plain_arrays
from chainer_ft.formats.pickled.records import Raw
from chainer_ft.formats.pickled.strings import pieces
from chainer_ft.types import Entry, Listing, Source
from chainer_ft.types.source import BLOCK_BYTES

_UNINITIALISED = "uninitialised parameter or None"


@dataclass(frozen=True, eq=False)
class Slot:
    """One entry and where its numbers come from: the stream, or the record itself."""

    entry: Entry
    ref: ArrayRef | None = None
    number: np.ndarray | None = None


class PickleSource(Source):
    """One file of one or more pickles.

    Args:
        path: The file, for messages.
        file: The stream.

    Raises:
        FormatError: It is damaged.
        UnsafeError: It asks for more than any model needs.
    """

    format = "pickle"

    def __init__(self, path: str, file: MappedFile, whole: bool = True) -> None:
        self.name, self.file, self.whole = path, file, whole
        data = file.stream
        self.data = data
        self.results, machine, rest = _run_all(data, path)
        self.protocol, self._calls = machine.protocol, machine.calls
        self._arrays = Arrays(data, path)
        self._links = Links(self._arrays)
        roots = [root for result in self.results for root in self._links.roots(result)]
        first = [root for root in self._links.roots(self.results[0])]
        chosen = first or roots
        found, prefix_notes = self._found(chosen)
        self._slots = {slot.entry.path: slot for slot in self._made(found)}
        self._listing = Listing(tuple(slot.entry for slot in self._slots.values()), path)
        self.is_slow = not whole or not all(s.ref.is_plain for s in self._slots.values() if s.ref)
        self.notes = (*prefix_notes, *remarks(machine, self.results, rest))
        self.details = details(self._links, chosen, machine)

    @property
    def listing(self) -> Listing:
        return self._listing

    def all_arrays(self) -> Iterator[ArrayRef]:
        """Every array in the stream: weights, gradients, an optimizer's state."""
        for call in self._calls:
            ref = self._arrays.find_quietly(call)
            if isinstance(ref, ArrayRef):
                yield ref

    def slot(self, path: str) -> Slot:
        """Where an entry's numbers are."""
        return self._slots[path]

    def read(self, path: str) -> np.ndarray:
        slot = self._readable(path)
        if slot.number is not None:
            return slot.number.copy()
        ref = slot.ref
        assert ref is not None
        array = np.empty(ref.shape, ref.dtype, order="F" if ref.fortran else "C")
        flat = array.T.reshape(-1) if ref.fortran else array.reshape(-1)
        done = 0
        for block in self._numbers(ref, path):
            flat[done : done + block.size] = block
            done += block.size
        return array

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        slot = self._readable(path)
        ref = slot.ref
        if ref is None or (ref.fortran and len(ref.shape) > 1):
            return super().blocks(path)
        return self._numbers(ref, path)

    def close(self) -> None:
        self.file.close()

    def _readable(self, path: str) -> Slot:
        slot = self._slots[path]
        if slot.entry.note:
            raise UnsafeError(f"{self.name}::{path}: {slot.entry.note}; it is not read")
        return slot

    def _numbers(self, ref: ArrayRef, path: str) -> Iterator[np.ndarray]:
        where = f"{self.name}::{path}"
        if ref.nbytes == 0 or ref.raw is None:
            return
        stream = _direct(self.file, ref) if ref.is_plain else _decoded(self.file, ref, where)
        left = ref.nbytes
        for block in stream:
            left -= block.nbytes
            if left < 0:
                break
            yield block
        if left:
            raise FormatError(f"{where}: its bytes are not the {ref.nbytes} that its shape needs")

    def _found(self, roots: list[Any]) -> tuple[list[tuple[tuple[str, ...], Found]], tuple[str, ...]]:
        if not roots:
            plain = plain_arrays(self._arrays, self.results)
            return [((), found) for found in plain], ()
        if len(roots) == 1:
            way, root = roots[0]
            note = (f"the model is at {'/'.join(('', *way))}",) if way else ()
            return [((), found) for found in self._links.walk(root)], note
        found = [(way, one) for way, root in roots for one in self._links.walk(root)]
        ways = ", ".join("/" + "/".join(way) for way, _ in roots[:5])
        return found, (f"{len(roots)} models: {ways}; choose one with {self.name}::/PREFIX",)

    def _made(self, found: list[tuple[tuple[str, ...], Found]]) -> Iterator[Slot]:
        owners: dict[int, str] = {}
        seen: set[str] = set()
        for way, one in found:
            path = "/" + "/".join((*way, *one.names))
            if path in seen or path.endswith("/") or "//" in path:
                continue
            seen.add(path)
            yield self._slot(path, one, owners)

    def _slot(self, path: str, one: Found, owners: dict[int, str]) -> Slot:
        link_type = one.link_type
        ref = self._arrays.find_quietly(one.value)
        if isinstance(ref, NoArray):
            return Slot(Entry(path, ref.shape, None, one.kind, link_type, note=ref.why))
        if ref is not None:
            owner = owners.setdefault(id(one.value), path)  # one Variable, not one array
            shared = None if owner == path else owner
            entry = Entry(path, ref.shape, ref.dtype, one.kind, link_type, shared_with=shared)
            return Slot(entry, ref)
        number = self._number(one.value)
        if number is not None:
            return Slot(Entry(path, (), number.dtype, one.kind, link_type), number=number)
        empty = one.missing or one.value is None or self._arrays.is_variable(one.value)
        note = _UNINITIALISED if empty else "a Python object, not an array"
        return Slot(Entry(path, None, None, one.kind, link_type, note=note))

    def _number(self, value: Any) -> np.ndarray | None:
        if isinstance(value, list) and len(value) == 1:  # Chainer 1.4 kept N in a list
            value = value[0]
        if isinstance(value, Raw):
            text = self._arrays.text(value)
            return None if text is None else np.asarray(text)
        return number_of(value)


def _run_all(data: Any, path: str) -> tuple[list[Any], Machine, int]:
    """Every pickle of the stream; the first must be whole.

    Returns:
        tuple: The results, the first machine (with the calls of all), and the bytes behind.
    """
    first = Machine(data, path)
    results = [first.run()]
    position = first.position
    while position < len(data) and len(results) < 1000:
        machine = Machine(data, path, position)
        try:
            results.append(machine.run())
        except FormatError:
            break
        first.calls += machine.calls
        first.remarks += machine.remarks
        position = machine.position
    return results, first, len(data) - position


def _direct(file: MappedFile, ref: ArrayRef) -> Iterator[np.ndarray]:
    assert ref.raw is not None
    itemsize = ref.dtype.itemsize
    step = max(BLOCK_BYTES // itemsize, 1) * itemsize
    buffer = np.empty(min(step, ref.nbytes), np.uint8)
    for start in range(ref.raw.start, ref.raw.end, step):
        block = buffer[: min(step, ref.raw.end - start)]
        file.read_into(block, start)
        yield block.view(ref.dtype)


def _decoded(file: MappedFile, ref: ArrayRef, where: str) -> Iterator[np.ndarray]:
    """Decoded pieces, cut to whole numbers."""
    assert ref.raw is not None
    itemsize, kept = ref.dtype.itemsize, b""
    for piece in pieces(file.stream, ref.raw, ref.as_latin1, where):
        joined = kept + piece
        whole = len(joined) - len(joined) % itemsize
        kept = joined[whole:]
        if whole:
            yield np.frombuffer(joined[:whole], ref.dtype)
    if kept:
        raise FormatError(f"{where}: its bytes end inside a number")
