"""The protobuf wire format, read in place: keys, lengths and small numbers, never the arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from chainer_ft.errors import FormatError, TruncatedError, UnsafeError

if TYPE_CHECKING:
    from chainer_ft.formats.mapped import MappedFile

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIDTH = {FIXED64: 8, FIXED32: 4}
MAX_RECORDS = 3 << 17
MAX_TEXT = 4096
_FIRST_LOOK, _LONGEST_LOOK = 64, 1 << 16


class Record(NamedTuple):
    """One field of a message, or a run of them.

    Attributes:
        field: Field number.
        wire: Wire type.
        start: Offset of the first payload byte.
        end: Offset after the last payload byte.
        value: The number of a varint, 0 to 2**64 - 1.
        repeats: More than one for a run of fixed-width fields of one key; payload ``i`` is at
            ``start + i * (width + 1)``.
    """

    field: int
    wire: int
    start: int
    end: int
    value: int = 0
    repeats: int = 1


class Wire:
    """Reads messages out of a view of a file.

    Args:
        view: The file's bytes.
        path: Its name, for messages.
        budget: Most records that are looked at, runs counted once. Real nets have some
            thousands; a file of empty records would otherwise cost a thousand times its size.

    Example:
        >>> wire = Wire(memoryview(bytes([0x0A, 2, 0x68, 0x69, 0x10, 5])), "hi.bin")
        >>> [(r.field, r.wire, r.value) for r in wire.records(0, 6, "the message")]
        [(1, 2, 0), (2, 0, 5)]
    """

    def __init__(self, view: memoryview, path: str, budget: int = MAX_RECORDS) -> None:
        self.view = view
        self.path = path
        self._left = budget

    @classmethod
    def of(cls, mapped: MappedFile) -> Wire:
        """Read a mapped file."""
        return cls(mapped.view, mapped.path)

    def fail(self, what: str, trouble: str, offset: int) -> NoReturn:
        """Raise :class:`FormatError` with the file, the part of it and the offset."""
        raise FormatError(f"{self.path}: {what}: {trouble} at byte {offset}; the file is damaged")

    def varint(self, offset: int, end: int, what: str) -> tuple[int, int]:
        """The number at ``offset``, and the offset after it."""
        value = shift = 0
        for at in range(offset, min(end, offset + 10)):
            byte = self.view[at]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF, at + 1
            shift += 7
        if shift == 70:
            self.fail(what, "a number of more than ten bytes", offset)
        return self._over(end + 1, end, what, offset)

    def records(self, start: int, end: int, what: str, cut: bool = False) -> Iterator[Record]:
        """The fields of the message between two offsets, in file order.

        Args:
            start: Offset of the message.
            end: Offset after it.
            what: Its name, for messages.
            cut: The view is only the head of a file: a field that goes on beyond it is
                given with its end cut off, and is the last.

        Raises:
            TruncatedError: A field promises to go on beyond the file.
            FormatError: A field goes on beyond its message, or there is no such field.
        """
        while start < end:
            record = self._record(start, end, what)
            if record.end > end:
                if not cut or end < len(self.view):
                    self._over(record.end, end, what, start)
                record = record._replace(end=end)
            yield record
            start = record.end

    def fields(self, spans: Iterable[Record], what: str) -> dict[int, list[Record]]:
        """Fields by number; several spans are one message, as protobuf merges them."""
        found: dict[int, list[Record]] = {}
        for span in spans:
            for record in self.records(span.start, span.end, what):
                found.setdefault(record.field, []).append(record)
        return found

    def text(self, record: Record) -> str:
        """A string; bytes that are not UTF-8 are shown as ``\\xNN``."""
        size = record.end - record.start
        if size > MAX_TEXT:
            self.fail(f"field {record.field}", f"a name of {size} bytes", record.start)
        return bytes(self.view[record.start : record.end]).decode("utf-8", "backslashreplace")

    def spend(self, count: int, offset: int) -> None:
        """Take something off the budget, for what costs more than the records it is made of."""
        self._left -= count
        if self._left < 0:
            raise UnsafeError(
                f"{self.path}: more than {MAX_RECORDS} fields outside of arrays by byte {offset}; "
                "no net has as many, so the file is not read further"
            )

    def _record(self, start: int, end: int, what: str) -> Record:
        self.spend(1, start)
        key, at = self.varint(start, end, what)
        field, wire = key >> 3, key & 7
        if not 0 < field < 1 << 29:
            self.fail(what, f"no field has the number {field}", start)
        if wire == VARINT:
            value, stop = self.varint(at, end, what)
            return Record(field, wire, at, stop, value)
        if wire == BYTES:
            length, at = self.varint(at, end, what)
            return Record(field, wire, at, at + length)
        if wire not in WIDTH:
            self.fail(what, f"field {field} has the unknown wire type {wire}", start)
        return self._fixed(field, wire, start, at, end)

    def _fixed(self, field: int, wire: int, key_at: int, at: int, end: int) -> Record:
        """One fixed-width field, and all that follow it directly under the same one-byte key."""
        stride = WIDTH[wire] + 1
        stop = at + stride - 1
        if at != key_at + 1 or stop >= end or self.view[stop] != self.view[key_at]:
            return Record(field, wire, at, stop)
        count = _run_length(self.view, key_at, (end - key_at) // stride, stride)
        return Record(field, wire, at, key_at + count * stride, repeats=count)

    def _over(self, promised: int, end: int, what: str, offset: int) -> NoReturn:
        if end < len(self.view):
            self.fail(what, f"a field goes on beyond byte {end}, where its message ends,", offset)
        raise TruncatedError(
            f"{self.path}: ends at byte {end} of {promised} ({what}); download or copy it again"
        )


def _run_length(view: memoryview, start: int, most: int, stride: int) -> int:
    """How many keys, ``stride`` bytes apart, equal the one at ``start``."""
    import numpy as np

    keys: np.ndarray = np.ndarray((most,), np.uint8, view, start, (stride,))
    done, look = 1, _FIRST_LOOK
    while done < most:
        other = np.flatnonzero(keys[done : done + look] != keys[0])
        if other.size:
            return done + int(other[0])
        done, look = min(done + look, most), min(look * 2, _LONGEST_LOOK)
    return done


def signed(value: int, bits: int) -> int:
    """A varint as int32 or int64, as protobuf reads it (two's complement, high bits dropped)."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
