"""Chainer's HDF5: what is refused, and what is said."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import odd_nets as nets
import pytest

import chainer_ft as ft
from chainer_ft.errors import FormatError, UnsafeError
from chainer_ft.formats import h5, h5_disk, hdf5


def test_links_without_arrays_keep_their_groups(tmp_path: Path) -> None:
    ft.save(tmp_path / "a.h5", nets.Odd(1))
    with h5py.File(tmp_path / "a.h5") as file:
        assert isinstance(file["empty/inside"], h5py.Group)
        assert isinstance(file["stages/0"], h5py.Group)


def test_order_is_that_of_writing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("z/W", "z/b", "a/W", "m"):
            file[name] = np.zeros(3)
    with ft.open(tmp_path / "a.h5") as source:
        assert source.listing.paths == ("/z/W", "/z/b", "/a/W", "/m")


def test_byte_order_is_the_files(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["W"] = np.arange(3, dtype=">f4")
    with ft.open(tmp_path / "a.h5") as source:
        assert source.read("/W").dtype == np.dtype(">f4")
        assert source.read("/W").tobytes() == np.arange(3, dtype=">f4").tobytes()


def test_text_is_listed_and_not_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["words"], file["W"] = "hello", np.zeros(3)
    with ft.open(tmp_path / "a.h5") as source:
        assert source.read("/W").shape == (3,)
        with pytest.raises(UnsafeError, match="text, not an array of numbers; it is not read"):
            source.read("/words")


def test_a_dataset_that_is_mostly_a_claim(tmp_path: Path) -> None:
    """Chunks that were never written read as zeros: a kilobyte becomes a terabyte."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("W", (1 << 38,), "f4", chunks=(1 << 20,), compression=9)
    with ft.open(tmp_path / "a.h5") as source, pytest.raises(UnsafeError, match="0 are stored"):
        source.read("/W")


def test_many_names_for_one_array(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["W0"] = np.zeros(100_000)
        for i in range(1, 100):
            file[f"W{i}"] = file["W0"]
    with pytest.raises(UnsafeError, match="claim 80000000 bytes of a file of 8"):
        ft.open(tmp_path / "a.h5")


def test_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret!!" * 100)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["W"] = np.zeros(3)
    makers = {
        "soft": lambda file: h5py.SoftLink("/elsewhere"),
        "external": lambda file: h5py.ExternalLink(str(tmp_path / "other.h5"), "/W"),
    }
    for name, make in makers.items():
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["a/W"] = make(file)
        with pytest.raises(UnsafeError, match="a/W is a link elsewhere; it is not followed"):
            ft.open(tmp_path / f"{name}.h5")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        stored = [(str(tmp_path / "secret"), 0, 800)]
        file.create_dataset("W", (100,), "f8", external=stored)
    with pytest.raises(UnsafeError), ft.open(tmp_path / "raw.h5") as source:
        source.read("/W")


def test_a_group_within_itself(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/W"] = np.zeros(3)
        file["a/b"] = file["a"]
    with pytest.raises(FormatError, match="stands in two places, or in itself"):
        ft.open(tmp_path / "a.h5")


@pytest.mark.parametrize("name", ["a\x1bb", "a\nb"])
def test_names_that_cannot_be_printed(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[name] = np.zeros(3)
    with pytest.raises(UnsafeError, match="cannot be printed"):
        ft.open(tmp_path / "a.h5")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[b"a\xff"] = np.zeros(3)
    with pytest.raises(FormatError, match=r"can't decode byte 0xff|cannot be printed"):
        ft.open(tmp_path / "a.h5")


@pytest.mark.parametrize("path", ["/a/./W", "/.", "/W/b"])
def test_paths_that_hdf5_cannot_hold(tmp_path: Path, path: str) -> None:
    np.savez(tmp_path / "a.npz", **{path[1:]: np.zeros(3), "W": np.zeros(3)})
    said = pytest.raises(FormatError, match=r"HDF5 cannot hold this path; write an \.npz")
    with ft.open(tmp_path / "a.npz") as source, said:
        hdf5.save(str(tmp_path / "a.h5"), source)


def test_the_file_is_closed_after_an_error(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/W"] = np.zeros(3)
        file["a/b"] = file["a"]
    opened = h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL)
    with pytest.raises(FormatError):
        ft.open(tmp_path / "a.h5")
    assert h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL) == opened
    with h5py.File(tmp_path / "a.h5", "r+") as file:  # locked, if it were open
        file["c"] = 1


def test_what_the_disk_did_not_take_reads_back(tmp_path: Path) -> None:
    """HDF5 reads what it wrote; it must not notice."""
    disk = h5_disk.Disk(str(tmp_path / "a"))
    disk.write(memoryview(b"0123456789"))
    disk._error = OSError(28, "No space left on device")
    disk.seek(5)
    disk.write(memoryview(b"abcdefgh"))
    disk.seek(3)
    assert disk.read(12) == b"34abcdefgh\0\0"
    assert disk.tell() == 15
    disk.close()
    assert (tmp_path / "a").read_bytes() == b"0123456789"
    with pytest.raises(OSError, match="No space left"):
        disk.check()


def test_detection_leaves_others_to_others(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "keras.h5", "w") as file:
        file.attrs["layer_names"] = ["a"]
    with h5py.File(tmp_path / "state.h5", "w") as file:
        file["iter"], file["history/0"] = [1], np.zeros(3)
    with h5py.File(tmp_path / "training.h5", "w") as file:
        file["data"], file["label"] = np.zeros((2, 3)), np.zeros(2)
    for name in ("keras", "state", "training"):
        assert hdf5.detect(h5.MAGIC, str(tmp_path / f"{name}.h5")) == 0.0
