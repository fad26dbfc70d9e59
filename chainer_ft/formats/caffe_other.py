"""Caffe's files that are not weights: solver states, prototxts, databases."""

from __future__ import annotations

import re

from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.formats import h5
from chainer_ft.formats.wire import BYTES, VARINT, Record, Wire

_STATE = {1: VARINT, 2: BYTES, 3: BYTES, 4: VARINT}
_BLOB_KEYS = (0x08, 0x10, 0x18, 0x20, 0x2A, 0x2D, 0x3A, 0x42)
_NET_TEXT = re.compile(r"^\s*(layers?\s*:?\s*\{|input_dim\s*:|input_shape\s*:?\s*\{)", re.M)
_SOLVER_TEXT = re.compile(r"\b(base_lr|lr_policy|max_iter|solver_mode|snapshot_prefix)\s*:")
_LOG = re.compile(r"^(Log file created at:|[IWEF]\d{4} \d\d:\d\d:\d\d)", re.M)
_LMDB_MAGIC = b"\xde\xc0\xef\xbe"


def describe(head: bytes, path: str) -> str | None:
    """Name a Caffe file that is not weights.

    Args:
        head: The file's first 4096 bytes.
        path: The file.

    Returns:
        str or None: A phrase that follows the file's name, ``is ...``.

    Example:
        >>> describe(b'name: "LeNet"\\nlayer {\\n', "lenet.prototxt")
        'is a prototxt, the text that describes a net; its weights are in a .caffemodel'
    """
    if head.startswith(h5.MAGIC):
        return _hdf5(path)
    if head[16:20] == _LMDB_MAGIC:
        return "is an LMDB database, as Caffe keeps training images in, not weights"
    return _solver_state(head, path) or _text(head)


def _solver_state(head: bytes, path: str) -> str | None:
    """iter, learned_net, history: in this order, as protobuf writes them."""
    wire = Wire(memoryview(head), path)
    found: dict[int, Record] = {}
    try:
        for record in wire.records(0, len(head), "head", cut=True):
            if record.wire != _STATE.get(record.field):
                return None
            found.setdefault(record.field, record)
    except TruncatedError:
        pass
    except FormatError:
        return None
    if 1 not in found or not (2 in found or 3 in found):
        return None
    if 3 in found and head[found[3].start : found[3].start + 1] not in map(_byte, _BLOB_KEYS):
        return None
    net = wire.text(found[2]) if 2 in found else ""
    if not net.isprintable() or (3 not in found and ".caffemodel" not in net):
        return None
    return _state_sentence(found[1].value, net)


def _byte(value: int) -> bytes:
    return bytes([value])


def _state_sentence(iteration: int, net: str) -> str:
    place = net or "the .caffemodel written beside it"
    return f"is a Caffe solver state at iteration {iteration}; its weights are in {place}"


def _hdf5(path: str) -> str | None:
    outline = h5.probe(path)
    if outline is None:
        return None
    names = {*outline.groups, *outline.datasets}
    if {"iter", "history"} <= names:
        return _hdf5_state(path)
    if {"data", "label"} <= set(outline.datasets):
        return "is HDF5 training data (data and label), not weights"
    return None


def _hdf5_state(path: str) -> str | None:
    try:
        with h5.open_file(path) as file, h5.guarded(path):
            iteration = int(h5.checked_read(file["iter"], path).reshape(-1)[0])
            net = bytes(h5.checked_read(file["learned_net"], path).reshape(-1)[0])
    except FormatError:
        return "is a Caffe solver state, not weights; its weights are in the .caffemodel.h5"
    return _state_sentence(iteration, net.split(b"\0")[0].decode("utf-8", "backslashreplace"))


def _text(head: bytes) -> str | None:
    text = head.decode("utf-8", "replace")
    if "\0" in text:
        return None
    if _LOG.match(text):
        return "is a log of Caffe, not weights"
    if _NET_TEXT.search(text):
        return "is a prototxt, the text that describes a net; its weights are in a .caffemodel"
    if len(set(_SOLVER_TEXT.findall(text))) >= 2:
        return "is a solver prototxt, the text that describes a training, not weights"
    return None
