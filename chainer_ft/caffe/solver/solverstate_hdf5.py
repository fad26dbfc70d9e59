"""``.solverstate.h5``: the state of a solver as HDF5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from chainer_ft.caffe.solver.state import SolverState, count, not_a_state
from chainer_ft.errors import FormatError
from chainer_ft.formats import h5

if TYPE_CHECKING:
    import h5py


def read(path: str) -> SolverState:
    """Read a file.

    Raises:
        FormatError: It is no such state, or it is damaged.
        NotWeightsError: It is a ``.caffemodel.h5``.
    """
    with h5.open_file(path) as file, h5.guarded(path):
        return _state(file, path)


def _state(file: h5py.File, path: str) -> SolverState:
    if "history" not in file and "data" in file:
        not_a_state(path)
    missing = [name for name in ("iter", "history") if name not in file]
    if missing:
        raise FormatError(f"{path}: has no /{missing[0]}; it is no .solverstate.h5")
    return SolverState(
        _stored_number(file, "iter", path),
        _stored_text(file, "learned_net", path),
        _stored_number(file, "current_step", path),
        tuple(_stored_history(file, path)),
    )


def _stored_number(file: h5py.File, name: str, path: str) -> int:
    if name not in file:
        return 0
    array = _dataset(file, name, path)
    if array.dtype.kind not in "iu" or array.size != 1:
        raise FormatError(f"{path}: /{name} is {array.dtype} {array.shape}, not one integer")
    return count(path, name, int(array.reshape(-1)[0]))


def _stored_text(file: h5py.File, name: str, path: str) -> str:
    if name not in file:
        return ""
    array = _dataset(file, name, path)
    if array.dtype.kind != "S" or array.size != 1:
        raise FormatError(f"{path}: /{name} is {array.dtype} {array.shape}, not a string")
    return bytes(array.reshape(-1)[0]).decode("utf-8", "surrogateescape")


def _stored_history(file: h5py.File, path: str) -> Iterator[np.ndarray]:
    import h5py

    group = file.get("history")
    if not isinstance(group, h5py.Group):
        raise FormatError(f"{path}: /history is no group")
    for i in range(len(group)):
        if str(i) not in group:
            raise FormatError(f"{path}: /history/{i} is missing, of {len(group)}")
        array = _dataset(group, str(i), path)
        if array.dtype.kind != "f":
            raise FormatError(f"{path}: /history/{i} is {array.dtype}, not floating point")
        yield array.astype(np.float32, copy=False)


def _dataset(group: h5py.Group, name: str, path: str) -> np.ndarray:
    import h5py

    where = f"{group.name.rstrip('/')}/{name}"
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise FormatError(f"{path}: {where} is a link elsewhere; it is not followed")
    if not isinstance(group[name], h5py.Dataset):
        raise FormatError(f"{path}: {where} is no array")
    return h5.checked_read(group[name], path)


def write(path: str, state: SolverState) -> None:
    """Write a file; its datasets are those that HDF5's own "lite" calls make for Caffe."""
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("iter", data=np.array([state.iter], np.int32))
        _write_text(file, "learned_net", state.learned_net)
        file.create_dataset("current_step", data=np.array([state.current_step], np.int32))
        group = file.create_group("history")
        for i, array in enumerate(state.history):
            group.create_dataset(str(i), data=array)


def _write_text(file: h5py.File, name: str, text: str) -> None:
    """A string of fixed length that ends in a NUL, as C keeps it."""
    import h5py

    data = text.encode("utf-8", "surrogateescape") + b"\0"
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(data))
    space = h5py.h5s.create(h5py.h5s.SCALAR)
    dataset = h5py.h5d.create(file.id, name.encode(), kind, space)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.frombuffer(data, f"S{len(data)}"), mtype=kind)
