"""``.binaryproto``: the mean image that Caffe's tools write, one bare BlobProto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import chainer_ft.formats.wire as w
from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.formats.closing import closed_on_error
from chainer_ft.types.entries import Entry, Listing
from chainer_ft.types.hooks import SourceLoader
from chainer_ft.types.source import Source

if TYPE_CHECKING:
    import numpy as np

    from chainer_ft.formats.caffe_blobs import FileBlob

MEAN = "/mean"
_NOTE = "a mean image: channels are B, G, R, numbers 0 to 255, as Caffe's tools write it"
_FLOATS, _DOUBLES = (w.BYTES, w.FIXED32), (w.BYTES, w.FIXED64)
_TYPES: dict[int, tuple[int, ...]] = dict.fromkeys((1, 2, 3, 4), (w.VARINT,))
_TYPES |= {5: _FLOATS, 6: _FLOATS, 7: (w.BYTES,), 8: _DOUBLES, 9: _DOUBLES}


class BinaryprotoSource(Source):
    """The one array of a mean file, ``/mean``.

    Args:
        blob: Where it is.
    """

    format = "binaryproto"
    notes = (_NOTE,)

    def __init__(self, blob: FileBlob) -> None:
        self.name, self._blob = blob.file.path, blob
        shape = blob.shape
        said: tuple[str, ...] = ()
        if len(shape) == 4 and shape[0] == 1:
            shape, said = shape[1:], (f"shape {shape} in the file",)
        entry = Entry(MEAN, shape, blob.dtype, "persistent", transforms=said)
        self._listing = Listing((entry,), self.name)

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._blob.read().reshape(self._listing[path].shape or ())

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        self._listing[path]  # KeyError for any other
        return self._blob.blocks()

    def close(self) -> None:
        self._blob.file.close()


def detect(head: bytes, path: str) -> float:
    """How surely a file is a bare BlobProto: it begins like one, and its sizes add up."""
    if not _begins_like_blob(head, path):
        return 0.0
    is_named_so = path.endswith(".binaryproto")
    try:
        open_binaryproto(path).close()
    except TruncatedError:
        return 0.6 if is_named_so else 0.3 * head.startswith(b"\x08")
    except FormatError:
        return 0.3 if is_named_so else 0.0
    return 0.9


def _begins_like_blob(head: bytes, path: str) -> bool:
    wire = w.Wire(memoryview(head), path)
    try:
        for record in wire.records(0, len(head), "head", cut=True):
            if record.wire not in _TYPES.get(record.field, ()):
                return False
    except TruncatedError:
        pass
    except FormatError:
        return False
    return bool(head)


def open_binaryproto(path: str) -> Source:
    """Open a mean file.

    Raises:
        FormatError: It is none, or it is damaged.
        TruncatedError: It ends early.
    """
    from chainer_ft.formats.caffe_blobs import parse_blob
    from chainer_ft.formats.mapped import MappedFile

    with closed_on_error(MappedFile(path)) as file:
        if not file.size:
            raise FormatError(f"{path}: is empty")
        whole = w.Record(0, w.BYTES, 0, file.size)
        blob = parse_blob(file, w.Wire.of(file), [whole], "the mean")
        if not blob.runs:
            raise FormatError(f"{path}: holds no numbers, but the shape {blob.shape}")
        return BinaryprotoSource(blob)


LOADER = SourceLoader(
    name="binaryproto",
    summary="mean image of Caffe's tools, one array",
    suffixes=(".binaryproto",),
    detect=detect,
    open=open_binaryproto,
)
