"""The layers of a binary Caffe net of any generation, 2013 to today, that hold blobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from chainer_ft.errors import FormatError
from chainer_ft.formats.caffe_blobs import parse_blob
from chainer_ft.formats.caffe_types import Blob, Layer
from chainer_ft.formats.mapped import MappedFile
from chainer_ft.formats.wire import BYTES, VARINT, Record, Wire, signed

LAYERS, LAYER = 2, 100
_COST = 2  # of a layer, in records

# V1 keeps the type as an enum; these are the types that had blobs, the rest is written as N.
V1_TYPES = {0: "", 4: "Convolution", 14: "InnerProduct", 39: "Deconvolution"}
V0_TYPES = {"conv": "Convolution", "innerproduct": "InnerProduct"}


@dataclass(frozen=True)
class _Fields:
    """Field numbers of one generation."""

    name: int
    type: int
    blobs: int
    bottom: int
    top: int
    inner_product: int
    scale: int


_V2 = _Fields(name=1, type=2, blobs=7, bottom=3, top=4, inner_product=117, scale=142)
_V1 = _Fields(name=4, type=5, blobs=6, bottom=2, top=3, inner_product=17, scale=0)
_V0 = _Fields(name=1, type=2, blobs=50, bottom=0, top=0, inner_product=0, scale=0)


@dataclass
class _Flow:
    """Who wrote each blob last, and how many layers read what a layer wrote."""

    writers: dict[str, int] = field(default_factory=dict)
    readers: dict[int, int] = field(default_factory=dict)
    previous: int | None = None
    silent: bool = False

    def source_of(self, bottoms: Sequence[str]) -> int | None:
        """The layer that feeds one; the one before it where either keeps no blob names."""
        sources = [self.writers.get(name) for name in bottoms]
        for source in sources:
            if source is not None:
                self.readers[source] = self.readers.get(source, 0) + 1
        if not sources or (self.silent and sources[0] is None):
            return self.previous
        return sources[0]

    def add(self, index: int, tops: Sequence[str]) -> None:
        """Note what a layer writes."""
        self.writers.update(dict.fromkeys(tops, index))
        self.previous, self.silent = index, not tops


def read_net(file: MappedFile, wire: Wire) -> tuple[list[Layer], int]:
    """Scan a net without looking at its numbers.

    Returns:
        tuple: The layers that hold blobs, and the number of all layers.

    Raises:
        FormatError: It is no net, or two generations in one file (Caffe refuses that too).
        TruncatedError: It ends early.
    """
    layers: list[Layer] = []
    flow, count = _Flow(), 0
    for scan in _scans(file, wire):
        bottoms, source = scan.connect(flow)
        if scan.spans:
            layers.append(scan.layer(bottoms, source))
        count += 1
    return [_single_reader(layer, flow) for layer in layers], count


def every_layer(file: MappedFile, wire: Wire) -> Iterator[Layer]:
    """All layers of a net in file order, those without blobs too, by name, type and blobs.

    Raises:
        FormatError: As :func:`read_net`.
        TruncatedError: It ends early.
    """
    return (scan.layer(0, None) for scan in _scans(file, wire))


def _scans(file: MappedFile, wire: Wire) -> Iterator[_Scan]:
    count, kind = 0, 0
    for record in wire.records(0, file.size, "the net"):
        if record.field not in (LAYERS, LAYER) or record.wire != BYTES:
            continue
        if kind and kind != record.field:
            raise FormatError(
                f"{file.path}: old `layers` and new `layer` in one file (byte {record.start}); "
                "Caffe refuses such a net too"
            )
        kind = record.field
        yield _Scan(file, wire, record, count)
        count += 1
    if not count:
        raise FormatError(f"{file.path}: no layers in {file.size} bytes; not a Caffe net")


def _single_reader(layer: Layer, flow: _Flow) -> Layer:
    if layer.source is None or flow.readers.get(layer.source, 0) <= 1:
        return layer
    return replace(layer, source=None)


class _Scan:
    """One layer's record, read as far as the weights need it."""

    def __init__(self, file: MappedFile, wire: Wire, record: Record, index: int) -> None:
        self._file, self._wire, self._index = file, wire, index
        wire.spend(_COST, record.start)
        self._numbers = _V2 if record.field == LAYER else _V1
        self._fields = self._connection = wire.fields([record], f"layer {index}")
        inner = self._submessages(self._fields, 1) if record.field == LAYERS else []
        if inner:
            self._numbers = _V0
            self._fields = wire.fields(inner, f"layer {index}")

        self.spans = self._submessages(self._fields, self._numbers.blobs)

    def connect(self, flow: _Flow) -> tuple[int, int | None]:
        """Note the layer's place in the flow; the number of its bottoms, and what feeds it."""
        outer = _V1 if self._numbers is _V0 else self._numbers
        bottoms = self._texts(self._connection, outer.bottom)
        source = flow.source_of(bottoms)
        flow.add(self._index, self._texts(self._connection, outer.top))
        return len(bottoms), source

    def layer(self, bottoms: int, source: int | None) -> Layer:
        """The layer with its blobs."""
        name = ["", *self._texts(self._fields, self._numbers.name)][-1]
        return Layer(
            self._index,
            name,
            self._type(),
            self._blobs(name),
            bottoms,
            source,
            axis=signed(self._option(self._numbers.scale, 1, default=1), 32),
            transposed=bool(self._option(self._numbers.inner_product, 6, default=0)),
        )

    def _type(self) -> str:
        records = self._fields.get(self._numbers.type, [])
        if self._numbers is _V1:
            number = [0, *(r.value for r in records if r.wire == VARINT)][-1]
            return V1_TYPES.get(number, f"V1 type {number}")
        written = ["", *self._texts(self._fields, self._numbers.type)][-1]
        return V0_TYPES.get(written, written) if self._numbers is _V0 else written

    def _blobs(self, name: str) -> tuple[Blob, ...]:
        label = f"layer {name!r}" if name else f"layer {self._index}"
        return tuple(
            parse_blob(self._file, self._wire, [span], f"{label}, blob {i}")
            for i, span in enumerate(self.spans)
        )

    def _option(self, message: int, number: int, default: int) -> int:
        """A number of a layer parameter; forks re-use field numbers, so none is no error."""
        try:
            found = self._wire.fields(self._submessages(self._fields, message), "a parameter")
        except FormatError:
            return default
        return [default, *(r.value for r in found.get(number, ()) if r.wire == VARINT)][-1]

    def _texts(self, fields: dict[int, list[Record]], number: int) -> list[str]:
        return [self._wire.text(r) for r in fields.get(number, ()) if r.wire == BYTES]

    @staticmethod
    def _submessages(fields: dict[int, list[Record]], number: int) -> list[Record]:
        return [record for record in fields.get(number, ()) if record.wire == BYTES]
