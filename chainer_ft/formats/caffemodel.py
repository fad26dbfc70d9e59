"""``.caffemodel``: the weights of a Caffe net, 2013 to today."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.formats.wire import BYTES, VARINT, Record, Wire
from chainer_ft.types.hooks import SourceLoader
from chainer_ft.types.source import Source

# Wire types of the fields that nets and layers begin with. Another type under one of these
# numbers makes it another kind of message: ONNX, Caffe2 and TensorFlow all begin like a net.
_NET = {1: BYTES, 2: BYTES, 3: BYTES, 5: VARINT, 6: BYTES, 7: VARINT, 8: BYTES, 100: BYTES}
_V2 = {1: BYTES, 2: BYTES, 3: BYTES, 4: BYTES, 6: BYTES, 7: BYTES, 10: VARINT}
_V1 = {1: BYTES, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES}
_V0 = {1: BYTES, 2: BYTES, 3: VARINT, 4: VARINT, 50: BYTES}
_CONTROL = frozenset(map(chr, range(32))) - frozenset("\t\r\n")


def detect(head: bytes, path: str) -> float:
    """How surely a file is a binary net; there is no magic number, so the first layer decides."""
    wire = Wire(memoryview(head), path)
    seen = False
    try:
        for record in _begin(wire, 0, len(head), _NET, texts=(1,)):
            if record.field in (2, 100):
                return _layer_confidence(wire, record)
            if record.field > 100:
                return 0.0
            seen = True
    except FormatError:
        return 0.0
    return 0.3 if seen and path.endswith(".caffemodel") else 0.0


def _layer_confidence(wire: Wire, layer: Record) -> float:
    if layer.field == 100:
        known = list(_begin(wire, layer.start, layer.end, _V2, texts=(1, 2, 3, 4)))
    else:
        known = list(_begin(wire, layer.start, layer.end, _V1, texts=(2, 3, 4)))
        for record in known:
            if record.field == 1:
                list(_begin(wire, record.start, record.end, _V0, texts=(1, 2)))
    return 0.9 if any(record.field <= 5 for record in known) else 0.3


def _begin(
    wire: Wire, start: int, end: int, types: Mapping[int, int], texts: Collection[int]
) -> Iterator[Record]:
    """The fields of a message as far as the head goes; FormatError for what is not plausible."""
    try:
        for record in wire.records(start, end, "head", cut=True):
            if record.wire != types.get(record.field, record.wire):
                raise FormatError(f"field {record.field} is of another type")
            if record.field in texts and _CONTROL.intersection(wire.text(record)):
                raise FormatError(f"field {record.field} is no text")
            yield record
    except TruncatedError:
        return


def open_caffemodel(path: str) -> Source:
    """Open a binary net.

    Raises:
        FormatError: It is none, or it is damaged.
        TruncatedError: It ends early.
    """
    from chainer_ft.formats.caffe_net import read_net
    from chainer_ft.formats.caffe_source import CaffeSource
    from chainer_ft.formats.mapped import MappedFile

    with closed_on_error(MappedFile(path)) as file:
        layers, _ = read_net(file, Wire.of(file))
        return CaffeSource(file.path, LOADER.name, layers, (), file.close)


LOADER = SourceLoader(
    name="caffemodel",
    summary="binary Caffe weights of every generation (V0, V1 layers, V2 layer)",
    suffixes=(".caffemodel",),
    detect=detect,
    open=open_caffemodel,
)
