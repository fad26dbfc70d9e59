"""Reads and writes Caffe's messages: nets, solvers, states, means; text or binary.

Example:
    >>> net = parse_net('layer { name: "fc" type: "InnerProduct" }', "a.prototxt")
    >>> net.layer[0].inner_product_param.axis, net.layer[0].where("type")
    (1, 'a.prototxt:1:20')
"""

from __future__ import annotations

import os
from collections.abc import Collection

from chainer_ft.caffe.binary_reader import read_binary
from chainer_ft.caffe.binary_writer import to_binary
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.text_reader import read_text
from chainer_ft.caffe.text_tokens import PrototxtError
from chainer_ft.caffe.text_writer import to_text
from chainer_ft.caffe.upgrade import upgrade_net, upgrade_solver
from chainer_ft.errors import FormatError
from chainer_ft.formats.atomic import replacing
from chainer_ft.formats.mapped import MappedFile

__all__ = [
    "Message",
    "PrototxtError",
    "parse_net",
    "parse_solver",
    "read_message",
    "read_net",
    "read_solver",
    "to_binary",
    "to_text",
    "write_binary",
    "write_text",
]

Path = str | os.PathLike[str]
_HEAD = 4096
_CONTROL = frozenset([*range(9), *range(14, 32)])
_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_net(path: Path, skip: Collection[str] = ("blobs",)) -> Message:
    """Read a net of any year, and upgrade it.

    Args:
        path: A prototxt, or a ``.caffemodel``: content tells.
        skip: Fields that are passed over in a binary file; by default the weights.

    Returns:
        Message: A ``NetParameter`` with ``layer`` only.

    Raises:
        PrototxtError: With file, line and column.
        FormatError: The file cannot be read, or is damaged.
    """
    net = read_message(path, "NetParameter", skip)
    upgrade_net(net)
    return net


def parse_net(text: str, name: str = "<text>") -> Message:
    """Read a net from a text, and upgrade it."""
    net = read_text(text, "NetParameter", name)
    upgrade_net(net)
    return net


def read_solver(path: Path) -> Message:
    """Read a solver of any year, and upgrade it, the nets in it included.

    A missing ``snapshot_prefix`` becomes the path without its suffix, a folder becomes the
    solver's name in that folder, as in Caffe.
    """
    solver = read_message(path, "SolverParameter")
    upgrade_solver(solver)
    stem = os.path.splitext(os.fspath(path))[0]
    if not solver.has("snapshot_prefix"):
        solver.set("snapshot_prefix", stem)
    elif os.path.isdir(solver.snapshot_prefix):
        prefix = os.path.join(solver.snapshot_prefix, os.path.basename(stem))
        solver.set("snapshot_prefix", prefix)
    return solver


def parse_solver(text: str, name: str = "<text>") -> Message:
    """Read a solver from a text, and upgrade it."""
    solver = read_text(text, "SolverParameter", name)
    upgrade_solver(solver)
    return solver


def read_message(path: Path, kind: str, skip: Collection[str] = ()) -> Message:
    """Read any message from a file, text or binary.

    Args:
        path: The file.
        kind: Name of the message, ``"BlobProto"``.
        skip: Fields that are passed over in a binary file.
    """
    with MappedFile(path) as file:
        head = bytes(file.view[:_HEAD])
        if head.startswith(_HDF5):
            raise FormatError(
                f"{file.path}: HDF5, which holds arrays and no {kind}; name the prototxt too"
            )
        if not _CONTROL.isdisjoint(head):
            if kind == "SolverParameter":
                raise FormatError(f"{file.path}: is binary, and a solver is a text; name that")
            return read_binary(file.view, kind, file.path, skip)
        return read_text(_decoded(bytes(file.view), file.path), kind, file.path)


def _decoded(data: bytes, path: str) -> str:
    """UTF-8, or else Latin-1: comments of old files are in any encoding."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def write_text(message: Message, path: Path) -> None:
    """Write a message in the text format, whole or not at all."""
    with replacing(path) as temporary, open(temporary, "w", encoding="ascii") as file:
        file.write(to_text(message))


def write_binary(message: Message, path: Path) -> None:
    """Write a message in the binary format, whole or not at all."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(to_binary(message))
