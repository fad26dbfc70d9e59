"""Snapshots: the weights, the state, and where the data stood; and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.solver.finished import blobs_of_layers, finished
from chainer_ft.caffe.solver.lines import SolverLog
from chainer_ft.caffe.solver.optimizer import Optimizer
from chainer_ft.caffe.solver.positions import Positions, write_positions
from chainer_ft.caffe.solver.rates import Rate
from chainer_ft.caffe.solver.saved import SavedBlob, SavedNet, write_weights
from chainer_ft.caffe.solver.slots import Slot
from chainer_ft.caffe.solver.solverstate import read_solverstate, write_solverstate
from chainer_ft.caffe.solver.state import SolverState
from chainer_ft.caffe.solver.updater import Updater
from chainer_ft.caffe.solver.weights import copy_weights
from chainer_ft.errors import ArrayError, FormatError

_WEIGHTS = {"BINARYPROTO": ".caffemodel", "HDF5": ".caffemodel.h5"}
_STATE = {"BINARYPROTO": ".solverstate", "HDF5": ".solverstate.h5"}


def snapshot_paths(solver: Message, iteration: int) -> tuple[str, str]:
    """Names of weights and state, as Caffe calls them.

    Example:
        >>> snapshot_paths(Message("SolverParameter", snapshot_prefix="x"), 7)
        ('x_iter_7.caffemodel', 'x_iter_7.solverstate')
    """
    stem = f"{solver.snapshot_prefix}_iter_{iteration}"
    return stem + _WEIGHTS[solver.snapshot_format], stem + _STATE[solver.snapshot_format]


def saved_net(net: Any, with_diff: bool = False) -> SavedNet:
    """A net as it is saved.

    Args:
        net: A :class:`~chainer_ft.caffe.net.Net`.
        with_diff: Save the last updates, too.
    """
    layers = [finished(layer.copy(), net.phase) for layer in net.layers]
    blobs = [[_saved(blob, with_diff) for blob in own] for own in blobs_of_layers(net)]
    return SavedNet(net.message.name, layers, blobs)


def _saved(blob: Any, with_diff: bool) -> SavedBlob:
    array = blob.read()
    diff = _diff(blob, array) if with_diff else None
    return SavedBlob(array, diff, blob.owner is not None)


def _diff(blob: Any, array: np.ndarray) -> np.ndarray:
    parameter = blob.parameter
    if parameter is None or parameter.grad is None:
        return np.zeros_like(array)
    diff: np.ndarray = blob.to_caffe(parameter.grad)
    return diff


def state_of(optimizer: Optimizer, learned_net: str) -> SolverState:
    """The state of an optimizer.

    Args:
        optimizer: It is set up with a net.
        learned_net: Path of the weights.
    """
    histories = [slot.history for slot in optimizer.slots]
    parts = range(len(optimizer.rule_type.names))
    arrays = tuple(history[part] for part in parts for history in histories)
    return SolverState(optimizer.t, learned_net, optimizer.rate.step, arrays)


def restore_state(optimizer: Optimizer, state: SolverState, path: str) -> None:
    """Set an optimizer to a state, all of it or nothing.

    Raises:
        ArrayError: The history is that of another net, or another type of solver.
    """
    histories = list(checked_histories(optimizer, state, path))
    for slot, history in zip(optimizer.slots, histories, strict=True):
        slot.restore(history)
    optimizer.t = state.iter
    optimizer.rate = Rate(np.float32(0), state.current_step)


def checked_histories(
    optimizer: Optimizer, state: SolverState, path: str
) -> Iterator[list[np.ndarray]]:
    """The arrays of each slot, in its shape.

    Raises:
        ArrayError: Their number or a shape is another.
    """
    slots, parts = optimizer.slots, len(optimizer.rule_type.names)
    if len(state.history) != len(slots) * parts:
        raise ArrayError(
            f"{path}: has a history of {len(state.history)} blobs; a solver of type "
            f"{optimizer.type} has {len(slots) * parts} for this net; resume with the type and the "
            "net that it was made with, or give its weights with --weights"
        )
    for i, slot in enumerate(slots):
        yield [_fitted(slot, state.history[i + part * len(slots)], path) for part in range(parts)]


def _fitted(slot: Slot, array: np.ndarray, path: str) -> np.ndarray:
    """An array in a slot's shape; files of 2014 have ones before it."""
    shape = slot.shape
    stored = array.shape
    if stored != shape and stored != (1,) * (4 - len(shape)) + shape:
        raise ArrayError(
            f"{path}: the history of {slot.name} has shape {stored}, and the net has {shape}; "
            "resume with the net that it was made with"
        )
    return array.reshape(shape)


def take_snapshot(
    solver: Message, updater: Updater, positions: Positions, line: Callable[[str, str], None]
) -> str:
    """Write a snapshot; the state comes last, so that what is there is whole.

    Args:
        solver: The solver.
        updater: What it trains.
        positions: Where it stands.
        line: Writes a line of the log.

    Returns:
        str: The path of the state.
    """
    weights, state = snapshot_paths(solver, positions.iter)
    kind = "HDF5" if solver.snapshot_format == "HDF5" else "binary proto"
    line("solver.cpp:464", f"Snapshotting to {kind} file {weights}")
    write_weights(weights, saved_net(updater.net, solver.snapshot_diff))
    line("sgd_solver.cpp:284", f"Snapshotting solver state to {kind} file {state}")
    write_positions(state, positions)
    write_solverstate(state, state_of(updater.optimizer, weights))
    return state


def restore_snapshot(net: Net, optimizer: Optimizer, path: str, log: SolverLog) -> None:
    """Read a snapshot and its weights.

    Args:
        net: The net that is trained.
        optimizer: Its optimizer.
        path: The state.
        log: Says which layers of the weights the net does not have.
    """
    state = read_solverstate(path)
    list(checked_histories(optimizer, state, path))  # before anything is written
    if state.learned_net:
        copy_weights(net, find_weights(state, path), log.ignoring)
    log.line("sgd_solver.cpp:318", "SGDSolver: restoring history")
    restore_state(optimizer, state, path)


def find_weights(state: SolverState, path: str) -> str:
    """The weights that belong to a state: where it says, or beside it.

    Raises:
        FormatError: They are in neither place.
    """
    named = state.learned_net
    beside = os.path.join(os.path.dirname(path), os.path.basename(named))
    for candidate in (named, beside):
        if candidate and os.path.isfile(candidate):
            return candidate
    raise FormatError(
        f"{path}: its weights, learned_net {named!r}, are neither in {os.getcwd()} nor beside it; "
        "copy them there, or run in the folder that it was made in"
    )
