"""``.solverstate`` and ``.solverstate.h5``: where a solver stands, in Caffe's own two formats."""

from __future__ import annotations

import os

import numpy as np

from chainer_ft.caffe.binary_writer import binary_pieces
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.solver import solverstate_hdf5
from chainer_ft.caffe.solver.blob import blob_message
from chainer_ft.caffe.solver.state import SolverState, count, not_a_state
from chainer_ft.errors import FormatError
from chainer_ft.formats import h5
from chainer_ft.formats.atomic import replacing
from chainer_ft.formats.caffe_blobs import parse_blob
from chainer_ft.formats.mapped import MappedFile
from chainer_ft.formats.wire import BYTES, VARINT, Record, Wire, signed

_ITER, _LEARNED_NET, _HISTORY, _CURRENT_STEP = 1, 2, 3, 4
_WIRES = {_ITER: VARINT, _LEARNED_NET: BYTES, _HISTORY: BYTES, _CURRENT_STEP: VARINT}
_LAYER = 100  # of a NetParameter


def read_solverstate(path: str | os.PathLike[str]) -> SolverState:
    """Read a snapshot of either format, told by its content.

    Raises:
        FormatError: It is none, or it is damaged; the message names the place.
        NotWeightsError: It is a ``.caffemodel``, which holds no state.
        TruncatedError: It ends early.
    """
    name = os.fspath(path)
    with MappedFile(name) as file:
        if bytes(file.view[: len(h5.MAGIC)]) != h5.MAGIC:
            return _read_binary(file)
    return solverstate_hdf5.read(name)


def _read_binary(file: MappedFile) -> SolverState:
    if not file.size:
        raise FormatError(f"{file.path}: is empty")
    wire = Wire.of(file)
    fields = wire.fields([Record(0, BYTES, 0, file.size)], "the solver state")
    _check_is_state(file.path, wire, fields)
    return SolverState(
        count(file.path, "iter", _number(fields, _ITER)),
        "".join(map(wire.text, fields.get(_LEARNED_NET, ())[-1:])),
        count(file.path, "current_step", _number(fields, _CURRENT_STEP)),
        tuple(_history(file, wire, record, i) for i, record in enumerate(fields.get(_HISTORY, ()))),
    )


def _check_is_state(path: str, wire: Wire, fields: dict[int, list[Record]]) -> None:
    if any(record.wire == BYTES for n in (_ITER, _LAYER) for record in fields.get(n, ())):
        not_a_state(path)
    for number, records in fields.items():
        for record in records:
            if record.wire != _WIRES.get(number, record.wire):
                wire.fail("the solver state", f"field {number} is of another type", record.start)
    if _ITER not in fields:
        raise FormatError(f"{path}: has no `iter`; it is no .solverstate")


def _number(fields: dict[int, list[Record]], number: int) -> int:
    return [0, *(signed(record.value, 32) for record in fields.get(number, ()))][-1]


def _history(file: MappedFile, wire: Wire, record: Record, index: int) -> np.ndarray:
    blob = parse_blob(file, wire, [record], f"history {index}")
    return blob.read().reshape(blob.shape).astype(np.float32, copy=False)


def write_solverstate(path: str | os.PathLike[str], state: SolverState) -> None:
    """Write a snapshot as Caffe does: HDF5 if the name ends in ``.h5``, else binary.

    Raises:
        FormatError: The folder is missing, full, or may not be written to.

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "x_iter_7.solverstate")
        >>> write_solverstate(path, SolverState(7, "x_iter_7.caffemodel", 1, (np.ones(2, "f"),)))
        >>> read_solverstate(path).learned_net
        'x_iter_7.caffemodel'
    """
    name = os.fspath(path)
    with replacing(name) as temporary:
        if name.endswith(".h5"):
            solverstate_hdf5.write(temporary, state)
        else:
            with open(temporary, "wb") as file:
                file.writelines(binary_pieces(_message(state)))


def _message(state: SolverState) -> Message:
    return Message(
        "SolverState",
        iter=state.iter,
        learned_net=state.learned_net,
        history=[blob_message(array) for array in state.history],
        current_step=state.current_step,
    )
