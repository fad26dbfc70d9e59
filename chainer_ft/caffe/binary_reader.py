"""Reads the binary format into messages, by the same schema."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainer_ft.caffe.message import Message, Unknown
from chainer_ft.caffe.schema import Field, MessageType, message_type
from chainer_ft.caffe.schema.tables import FLOATS
from chainer_ft.formats.wire import BYTES, FIXED32, FIXED64, VARINT, Record, Wire, signed

if TYPE_CHECKING:
    import numpy as np

_CODES = {"float": ("<f", FIXED32), "double": ("<d", FIXED64)}


@dataclass(frozen=True)
class BytePlace:
    """A place in a binary file; its ``str`` is ``file: byte N``."""

    path: str
    offset: int

    def __str__(self) -> str:
        return f"{self.path}: byte {self.offset}"


def read_binary(
    data: memoryview | bytes, kind: str, name: str = "<bytes>", skip: Collection[str] = ()
) -> Message:
    """Read a message in the binary format.

    Args:
        data: All of its bytes.
        kind: Name of the message, ``"SolverState"``.
        name: Of the file, for messages.
        skip: Names of fields to pass over, whichever message they are in: ``{"blobs"}`` reads
            the layers of a 500 MB net in a moment.

    Returns:
        Message: Its fields. Blobs' numbers are arrays, float32 or float64.

    Raises:
        FormatError: The bytes are no such message, with the offset.

    Example:
        >>> read_binary(bytes([8, 7, 0x20, 2]), "SolverState").iter
        7
    """
    view = memoryview(data)
    reader = _Reader(Wire(view, name), name, frozenset(skip))
    return reader.message(message_type(kind), [Record(0, BYTES, 0, len(view))])


class _Reader:
    def __init__(self, wire: Wire, name: str, skip: frozenset[str]) -> None:
        self._wire, self._name, self._skip = wire, name, skip

    def message(self, kind: MessageType, spans: list[Record]) -> Message:
        """A message; several spans of a singular one are merged."""
        made = Message(kind, self._place(spans[0]))
        numbers = {field.number: field for field in kind.fields.values()}
        for number, records in self._wire.fields(spans, kind.name).items():
            field = numbers.get(number)
            if field is None:
                made.unknown += [self._unknown(str(number), record) for record in records]
            elif field.name not in self._skip:
                fitting = [record for record in records if record.wire in _wires(field)]
                strays = [record for record in records if record.wire not in _wires(field)]
                made.unknown += [self._unknown(field.name, record) for record in strays]
                if fitting:
                    self._field(made, field, fitting)
        return made

    def _unknown(self, name: str, record: Record) -> Unknown:
        """A field of a fork, which may use the number of another field: protobuf keeps it apart."""
        is_number = record.wire == VARINT
        value = record.value if is_number else bytes(self._wire.view[record.start : record.end])
        return Unknown(name, value, self._place(record))

    def _place(self, record: Record) -> BytePlace:
        return BytePlace(self._name, record.start)

    def _field(self, made: Message, field: Field, records: list[Record]) -> None:
        if field.is_message and not field.is_repeated:
            value: Any = self.message(message_type(field.type), records)
            made.set(field.name, value, self._place(records[0]))
        elif field.is_repeated and field.type in FLOATS:
            array = self._array(field, records)
            value = array if field.label == "packed" else array.tolist()
            made.set(field.name, value, self._place(records[0]))
        else:
            for record in records:
                for value in self._values(field, record):
                    put = made.add if field.is_repeated else made.set
                    put(field.name, value, self._place(record))

    def _values(self, field: Field, record: Record) -> Iterator[Any]:
        if field.is_message:
            yield self.message(message_type(field.type), [record])
        elif field.type in ("string", "bytes"):
            value = bytes(self._wire.view[record.start : record.end])
            text = field.type == "string"
            yield value.decode("utf-8", "surrogateescape") if text else value
        elif field.type in FLOATS:
            code = _CODES[field.type][0]
            last = record.end - struct.calcsize(code)
            yield struct.unpack_from(code, self._wire.view, last)[0]
        else:
            yield from self._numbers(field, record)

    def _numbers(self, field: Field, record: Record) -> Iterator[Any]:
        if record.wire == BYTES and field.is_repeated:
            at = record.start
            while at < record.end:
                self._wire.spend(1, at)
                value, at = self._wire.varint(at, record.end, field.name)
                yield from _number(field, value)
        else:
            yield from _number(field, record.value)

    def _array(self, field: Field, records: list[Record]) -> np.ndarray:
        import numpy as np

        dtype = np.dtype(FLOATS[field.type])
        pieces = [self._run(field, record, dtype) for record in records]
        return np.concatenate(pieces) if len(pieces) > 1 else pieces[0].copy()

    def _run(self, field: Field, record: Record, dtype: np.dtype) -> np.ndarray:
        import numpy as np

        view, size = self._wire.view, record.end - record.start
        if record.wire == BYTES:
            if size % dtype.itemsize:
                trouble = f"{size} bytes are no whole number of floats"
                self._wire.fail(field.name, trouble, record.start)
            return np.frombuffer(view, dtype, size // dtype.itemsize, record.start)
        stride = dtype.itemsize + 1 if record.repeats > 1 else dtype.itemsize
        return np.ndarray((record.repeats,), dtype, view, record.start, (stride,))


def _wires(field: Field) -> tuple[int, ...]:
    """The wire types that a field can have."""
    if field.is_message or field.type in ("string", "bytes"):
        return (BYTES,)
    wire = _CODES[field.type][1] if field.type in FLOATS else VARINT
    return (wire, BYTES) if field.is_repeated else (wire,)


def _number(field: Field, value: int) -> Iterator[Any]:
    """The value, or none: protobuf passes over numbers that an enum does not have."""
    if field.values is not None:
        yield from (name for name, number in field.values.items() if number == value)
    elif field.type == "bool":
        yield bool(value)
    elif field.type == "uint32":
        yield value & 0xFFFF_FFFF
    else:
        yield signed(value, 64 if field.type == "int64" else 32)
