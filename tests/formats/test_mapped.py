"""A mapped file: bounds, names for messages, files that shrink."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.formats import mapped
from chainer_ft.formats.mapped import MappedFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "numbers"
    path.write_bytes(np.arange(100_000, dtype="u4").tobytes())
    return path


@pytest.mark.parametrize("count", [0, 1, 7, 99_000])
def test_reads_at_any_offset(file: Path, count: int) -> None:
    array = np.zeros(count, "u4")
    with MappedFile(file) as opened:
        opened.read_into(array, 400)
        assert bytes(opened.view[4:8]) == opened.stream[4:8] == b"\x01\x00\x00\x00"
    assert (array == np.arange(100, 100 + count)).all()


def test_bounds_are_checked_before_anything_is_read(file: Path) -> None:
    with MappedFile(file) as opened, pytest.raises(TruncatedError, match="ends at byte 400000 of"):
        opened.read_into(np.zeros(10, "u4"), 399_990)


def test_a_file_that_shrinks(file: Path) -> None:
    with MappedFile(file) as opened:
        os.truncate(file, 1000)
        with pytest.raises(TruncatedError, match="became shorter while it was read"):
            opened.read_into(np.zeros(50_000, "u4"), 0)


def test_an_empty_and_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with MappedFile(tmp_path / "empty", "what.gz") as opened:
        assert (opened.path, opened.size, bytes(opened.view)) == ("what.gz", 0, b"")
    with pytest.raises(FormatError, match="cannot be opened"):
        MappedFile(tmp_path / "none")


@pytest.mark.parametrize("large", [1, 1 << 40])
@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (3, 7), (2, 3, 4)])
def test_fresh_memory(
    shape: tuple[int, ...], fortran: bool, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "LARGE", large)
    array, other = (mapped.fresh(shape, np.dtype(">i2"), fortran) for _ in range(2))
    assert (array.shape, array.dtype) == (shape, np.dtype(">i2"))
    assert array.flags.f_contiguous if fortran else array.flags.c_contiguous
    array[...], other[...] = 7, 8
    assert (array == 7).all()


@pytest.mark.parametrize("count", [1, 5, 99_000])
def test_large_reads_by_several_threads(
    file: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "LARGE", 1)
    array = np.zeros(count, "u4")
    with MappedFile(file) as opened:
        opened.read_into(array, 400)
        os.truncate(file, 200_000)
        with pytest.raises(TruncatedError, match="became shorter while it was read"):
            opened.read_into(np.zeros(99_000, "u4"), 0)
    assert (array == np.arange(100, 100 + count)).all()


def test_reads_without_preadv(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "preadv", raising=False)
    array = np.zeros((10, 10), "u4")
    with MappedFile(file) as opened:
        opened.read_into(array, 4)
    assert (array.reshape(-1) == np.arange(1, 101)).all()
