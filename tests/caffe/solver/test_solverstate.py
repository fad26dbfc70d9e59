"""States of solvers: real files, both formats, damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from caffe_encoder import blob, message, number, text
from hdf5_layout import layout
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainer_ft.caffe.solver.solverstate import read_solverstate, write_solverstate
from chainer_ft.caffe.solver.state import SolverState
from chainer_ft.errors import FormatError, NotWeightsError, TruncatedError, UnsafeError

GOLDEN = ("snap_iter_5", "snap_iter_12", "sv_adam_iter_10")


def files(shared: Path) -> Path:
    return shared / "caffe" / "golden" / "files"


@pytest.mark.parametrize("stem", GOLDEN)
def test_states_of_real_caffe_are_written_back_byte_for_byte(
    stem: str, shared: Path, tmp_path: Path
) -> None:
    original = files(shared) / f"{stem}.solverstate"
    state = read_solverstate(original)
    assert state.learned_net == f"/ref/{stem}.caffemodel"
    assert f"_iter_{state.iter}" in stem
    write_solverstate(tmp_path / "x.solverstate", state)
    assert (tmp_path / "x.solverstate").read_bytes() == original.read_bytes()


def test_the_hdf5_state_of_real_caffe_is_written_back_alike(shared: Path, tmp_path: Path) -> None:
    original = files(shared) / "snaph_iter_5.solverstate.h5"
    state = read_solverstate(original)
    assert (state.iter, state.current_step, len(state.history)) == (5, 0, 4)
    write_solverstate(tmp_path / "x.solverstate.h5", state)
    assert layout(tmp_path / "x.solverstate.h5") == layout(original)


def test_states_from_the_wild(shared: Path) -> None:
    data = shared / "data" / "caffe"
    old = read_solverstate(
        data / "cifar10_quick_v1_everpeace" / "cifar10_quick_iter_4000.solverstate"
    )
    assert (old.iter, len(old.history), old.history[0].shape) == (4000, 10, (32, 3, 5, 5))
    new = read_solverstate(data / "cifar10_h5_bxuan694" / "cifar10_quick_iter_5000.solverstate.h5")
    assert (new.iter, len(new.history)) == (5000, 10)


arrays = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=0, max_dims=4, max_side=4), elements=st.floats(width=32)
)
states = st.builds(
    SolverState,
    st.integers(0, 2**31 - 1),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.integers(0, 2**31 - 1),
    st.lists(arrays, max_size=12).map(tuple),
)


@pytest.mark.parametrize("suffix", [".solverstate", ".solverstate.h5"])
@given(state=states)
def test_what_is_written_is_read(
    suffix: str, state: SolverState, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("state") / f"x{suffix}"
    write_solverstate(path, state)
    read = read_solverstate(path)
    assert (read.iter, read.learned_net, read.current_step) == (
        state.iter,
        state.learned_net,
        state.current_step,
    )
    assert [a.shape for a in read.history] == [a.shape for a in state.history]
    for one, other in zip(read.history, state.history, strict=True):
        np.testing.assert_array_equal(one, other)


@given(cut=st.integers(0, 4994), junk=st.binary(max_size=8), at=st.integers(0, 4993))
def test_damage_ends_in_an_error_of_ours(
    cut: int, junk: bytes, at: int, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = (files(shared) / "snap_iter_5.solverstate").read_bytes()
    path = tmp_path_factory.mktemp("state") / "x.solverstate"
    for data in (whole[:cut], whole[:at] + junk + whole[at + len(junk) :], junk):
        path.write_bytes(data)
        try:
            state = read_solverstate(path)
        except FormatError as error:
            assert str(path) in str(error)
        else:
            assert all(array.dtype == np.float32 for array in state.history)


@given(at=st.integers(0, 10415), junk=st.binary(min_size=1, max_size=8))
def test_damaged_hdf5_ends_in_an_error_of_ours(
    at: int, junk: bytes, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = (files(shared) / "snaph_iter_5.solverstate.h5").read_bytes()
    path = tmp_path_factory.mktemp("state") / "x.solverstate.h5"
    path.write_bytes(whole[:at] + junk + whole[at + len(junk) :])
    try:
        read_solverstate(path)
    except FormatError as error:
        assert str(path) in str(error)


def test_weights_are_not_a_state(shared: Path) -> None:
    for name in ("snap_iter_5.caffemodel", "snaph_iter_5.caffemodel.h5"):
        with pytest.raises(NotWeightsError, match="--weights"):
            read_solverstate(files(shared) / name)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (text(2, "x.caffemodel"), "no `iter`"),
        (number(1, -1), "iter is -1"),
        (number(1, 1) + number(3, 1), "field 3 is of another type at byte 3"),
        (number(1, 1) + message(3, blob([1.0, 2.0])[:-4]), "history 0"),
        (number(1, 1) + message(3, blob([1.0, 2.0]) + number(1, 7)), "history 0"),
    ],
)
def test_malformed_states_name_the_place(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.solverstate"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=said):
        read_solverstate(path)


def test_a_cut_state_says_so(shared: Path, tmp_path: Path) -> None:
    whole = (files(shared) / "snap_iter_5.solverstate").read_bytes()
    path = tmp_path / "x.solverstate"
    path.write_bytes(whole[:3000])
    with pytest.raises(TruncatedError, match="3000"):
        read_solverstate(path)


def test_malformed_hdf5_states_name_the_place(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"

    def error(**datasets: Any) -> str:
        with h5py.File(path, "w") as file:
            for name, value in datasets.items():
                file[name.replace("__", "/")] = value
        with pytest.raises(FormatError) as caught:
            read_solverstate(path)
        return str(caught.value)

    assert "/iter" in error(history__0=np.ones(2, "f4"))
    assert "/history" in error(iter=np.int32([1]))
    assert "/iter is float64" in error(iter=1.5, history__0=np.ones(2, "f4"))
    assert "/history/0 is missing" in error(iter=np.int32([1]), history__1=np.ones(2, "f4"))
    assert "/history/0 is int64" in error(iter=np.int32([1]), history__0=np.ones(2, "i8"))
    assert "/history is no group" in error(iter=np.int32([1]), history=np.ones(2, "f4"))
    assert "/learned_net" in error(
        iter=np.int32([1]), learned_net=np.int32([1]), history__0=np.ones(2, "f4")
    )


def test_a_state_that_is_kept_elsewhere_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["iter"] = np.int32([1])
        file.create_group("history")["0"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises((FormatError, UnsafeError), match="elsewhere"):
        read_solverstate(path)
