"""HDF5 files that lie about their size, lead elsewhere, or end early."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from chainer_ft.errors import FormatError, TruncatedError, UnsafeError
from chainer_ft.formats import h5


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "f.h5")


def order(path: str) -> list[str]:
    with h5.open_file(path) as file:
        return [name for name, _ in h5.datasets_in_file_order(file, path)]


def read(path: str, name: str = "x") -> np.ndarray:
    with h5.open_file(path) as file:
        return h5.checked_read(file[name], path)


def test_order_of_writing_comes_back(path: str) -> None:
    names = [f"{i * 7919 % 1000}/{name}" for i in range(40) for name in ("W", "b")]
    with h5py.File(path, "w") as file:
        for name in names:
            file[name] = np.zeros(30, "f4")
    assert names != sorted(names)
    assert order(path) == names


def test_order_of_chainers_own_files(shared: Path) -> None:
    """Chainer writes an npz and an HDF5 of one model in one order; npz keeps it by itself."""
    compared = 0
    for path in sorted(shared.glob("legacy/[2-7]*-py3*/*.h5")):
        npz = path.with_suffix(".npz")
        if npz.exists():
            members = [name.removesuffix(".npy") for name in zipfile.ZipFile(npz).namelist()]
            assert order(str(path)) == members, path
            compared += 1
    assert compared >= 40


def test_probe_names_the_root(path: str) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("data")
        file["label"] = 1
        file.attrs["keras_version"] = "2"
    assert h5.probe(path) == h5.Outline(("data",), ("label",), ("keras_version",))
    Path(path).write_bytes(b"not HDF5")
    assert h5.probe(path) is None


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="f4").reshape(2, 3),
        np.arange(6, dtype=">f8"),
        np.float16(3),
        np.int64(5),
        np.zeros((0, 4), "f4"),
        np.bytes_(b"text"),
    ],
)
@pytest.mark.parametrize("how", [{}, {"compression": "gzip"}, {"chunks": True, "shuffle": True}])
def test_honest_arrays_are_read(path: str, array: np.ndarray, how: dict[str, object]) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=array, **(how if np.size(array) > 1 else {}))
    got = read(path)
    np.testing.assert_array_equal(got, array)
    assert got.dtype.isnative
    assert got.shape == array.shape


def test_a_most_compressible_array_is_no_bomb(path: str) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.zeros(1 << 22, "f4"), compression="gzip")
    assert not read(path).any()


@pytest.mark.parametrize("how", [{}, {"compression": "gzip", "chunks": (1 << 20,)}])
def test_a_dataset_that_was_never_written_is_refused(path: str, how: dict[str, object]) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", shape=(10**11,), dtype="f4", **how)
    with pytest.raises(UnsafeError, match=r"f.h5: /x: shape \(100000000000,\) is 4"):
        read(path)


def test_a_small_stored_part_of_a_huge_dataset_is_refused(path: str) -> None:
    with h5py.File(path, "w") as file:
        made = file.create_dataset("x", (10**9,), "f4", chunks=(1000,), compression="gzip")
        made[:1000] = 1
    with pytest.raises(UnsafeError, match=r"but \d+ are stored"):
        read(path)


def test_numbers_in_another_file_are_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"12345678")
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2,), "f4", external=[(str(tmp_path / "secret"), 0, 8)])
        layout = h5py.VirtualLayout((2,), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "y", (2,))
        file.create_virtual_dataset("v", layout)
    for name in "xv":
        with pytest.raises(UnsafeError, match="another file"):
            read(path, name)


@pytest.mark.parametrize("link", [h5py.ExternalLink("o.h5", "/x"), h5py.SoftLink("/nowhere")])
def test_links_are_not_followed(path: str, link: object) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("g")["away"] = link
    with pytest.raises(UnsafeError, match="g/away is a link elsewhere"):
        order(path)


def test_groups_that_contain_themselves_or_stand_twice(path: str) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group.create_group("b")["a"] = group
    with pytest.raises(FormatError, match="stands in two places"):
        order(path)
    with h5py.File(path, "w") as file:  # 2**40 paths, if every one were followed
        inner = file.create_group("0")
        for i in range(1, 41):
            outer = file.create_group(f"x{i}")
            outer["l"] = outer["r"] = inner
            inner = outer
    with pytest.raises(FormatError, match="stands in two places"):
        order(path)


def test_depth_has_a_limit(path: str) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("/".join("g" * 70))
    with pytest.raises(FormatError):
        order(path)


@pytest.mark.parametrize("value", [h5py.Empty("f4"), "text of any length"])
def test_what_is_no_array_is_refused(path: str, value: object) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = value
    with pytest.raises(FormatError, match="no array of numbers"):
        read(path)


def test_a_truncated_file_says_where_it_should_end(path: str) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(1000, "f4")
    data = Path(path).read_bytes()
    Path(path).write_bytes(data[:-100])
    with pytest.raises(TruncatedError, match=rf"ends at byte {len(data) - 100} of {len(data)}"):
        order(path)


def test_a_file_that_is_not_there_or_no_hdf5(path: str) -> None:
    with pytest.raises(FormatError, match="cannot be opened: No such file"):
        order(path)
    Path(path).write_bytes(b"\x89HDF\r\n\x1a\n but then nothing")
    with pytest.raises(FormatError, match=r"f\.h5"):
        order(path)
