"""What we write, stock Chainer reads; what Chainer writes, we read: bit for bit."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import odd_nets as nets
import pytest
from chainer import serializers
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chainer_ft as ft
from chainer_ft.errors import FormatError
from chainer_ft.formats import hdf5, npz
from chainer_ft.types import Entry, Listing, Source

WRITERS = [("npz", False), ("npz", True), ("h5", False), ("h5", True)]
LOADERS = {"npz": serializers.load_npz, "h5": serializers.load_hdf5}
SAVERS = {"npz": serializers.save_npz, "h5": serializers.save_hdf5}
each_writer = pytest.mark.parametrize(("suffix", "compress"), WRITERS)
each_format = pytest.mark.parametrize("suffix", LOADERS)


@each_writer
def test_chainer_reads_what_we_write(tmp_path: Path, suffix: str, compress: bool) -> None:
    model, fresh = nets.Odd(1, suffix), nets.Odd(2, suffix)
    file = tmp_path / f"model.{suffix}"
    ft.save(file, model, compress=compress)
    LOADERS[suffix](str(file), fresh)
    nets.assert_equal(fresh, model)


@each_writer
def test_chainer_reads_a_lazy_link_that_was_filled(
    tmp_path: Path, suffix: str, compress: bool
) -> None:
    model, fresh = nets.Odd(1, suffix), nets.Odd(2, suffix)
    model.lazy(np.ones((1, 7), "f4"))
    file = tmp_path / f"model.{suffix}"
    ft.save(file, model, compress=compress)
    LOADERS[suffix](str(file), fresh)
    nets.assert_equal(fresh, model)
    assert fresh.lazy.W.shape == (2, 7)


@each_writer
def test_provenance_stays_inside_and_out_of_the_way(
    tmp_path: Path, suffix: str, compress: bool
) -> None:
    given_ = {"schema": "test", "sources": [{"name": "日本.npz", "sha256": None}]}
    file = tmp_path / f"model.{suffix}"
    ft.save(file, nets.Odd(1), provenance=given_, compress=compress)
    with ft.open(file) as source:
        assert source.provenance == given_
        assert not any("provenance" in path for path in source.listing.paths)
        assert source.whole
    if suffix == "npz":
        serializers.load_npz(str(file), nets.Odd(2), strict=True)
    else:
        serializers.load_hdf5(str(file), nets.Odd(2))


@each_format
def test_we_read_what_chainer_writes(tmp_path: Path, suffix: str) -> None:
    model, file = nets.Odd(1, suffix), tmp_path / f"model.{suffix}"
    SAVERS[suffix](str(file), model)
    with ft.open(file) as source:
        found = nets.arrays(model)
        assert set(source.listing.paths) == set(found)
        for path, value in found.items():
            if value is None:
                assert source.listing[path].shape is None
            else:
                wanted = np.asarray(value)
                assert source.read(path).dtype == wanted.dtype
                assert source.read(path).tobytes() == wanted.tobytes()


@each_writer
def test_copying_back_is_bit_exact(tmp_path: Path, suffix: str, compress: bool) -> None:
    """Through our own reader and the one place that writes into links."""
    model, fresh = nets.Odd(1, suffix, filled=True), nets.Odd(2, suffix, filled=True)
    file = tmp_path / f"model.{suffix}"
    ft.save(file, model, compress=compress)
    assert ft.copy(file, fresh).coverage == 1.0
    nets.assert_equal(fresh, model)


@each_writer
def test_a_file_is_the_same_each_time(
    tmp_path: Path, suffix: str, compress: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = nets.Odd(1)
    for name, day in (("a", 1), ("b", 2)):
        monkeypatch.setattr(time, "time", lambda day=day: 1.7e9 + day * 86400)
        ft.save(tmp_path / f"{name}.{suffix}", model, compress=compress, provenance={"n": 1})
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@each_format
def test_every_format_into_every_other(tmp_path: Path, suffix: str) -> None:
    model = nets.Odd(1, filled=True)
    ft.save(tmp_path / f"a.{suffix}", model)
    for other in LOADERS:
        ft.copy(tmp_path / f"a.{suffix}", tmp_path / f"b.{other}")
        with ft.open(tmp_path / f"b.{other}") as source:
            assert set(source.listing.paths) == set(nets.arrays(model))
            for path, value in nets.arrays(model).items():
                assert source.read(path).tobytes() == np.asarray(value).tobytes(), path


# --- any listing at all -----------------------------------------------------------------------


class Arrays(Source):
    """A source in memory."""

    name = "arrays"

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays
        entries = (Entry(path, a.shape, a.dtype) for path, a in arrays.items())
        self._listing = Listing(tuple(entries), self.name)

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._arrays[path].copy(order="K")


NUMBERS = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
)
TEXT = st.one_of(hnp.unicode_string_dtypes(endianness="<"), hnp.byte_string_dtypes())
NAME = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="/"))
PATHS = st.lists(NAME.filter(lambda n: n.strip(".")), min_size=1, max_size=4).map(
    lambda names: "/" + "/".join(names)
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def _listings(dtypes: st.SearchStrategy[np.dtype]) -> st.SearchStrategy[dict[str, np.ndarray]]:
    array = st.builds(
        lambda made, fortran: np.asfortranarray(made) if fortran and made.ndim else made,
        hnp.arrays(dtypes, SHAPES),
        st.booleans(),
    )
    return st.dictionaries(PATHS, array, max_size=6).filter(_no_link_is_an_array)


def _no_link_is_an_array(arrays: dict[str, np.ndarray]) -> bool:
    return not any(a != b and b.startswith(a + "/") for a in arrays for b in arrays)


def assert_kept(write: Callable[..., None], open_: Callable[[str], Source], file: Path,
                arrays: dict[str, np.ndarray], compress: bool) -> None:  # fmt: skip
    write(str(file), Arrays(arrays), compress=compress)
    with open_(str(file)) as source:
        assert set(source.listing.paths) == set(arrays)
        for path, array in arrays.items():
            got = source.read(path)
            assert (got.dtype, got.shape) == (array.dtype, array.shape)
            assert got.tobytes() == array.tobytes()
            assert b"".join(b.tobytes() for b in source.blocks(path)) == array.tobytes()


@settings(deadline=None, max_examples=300)
@given(_listings(st.one_of(NUMBERS, TEXT)), st.booleans())
def test_any_arrays_through_npz(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, np.ndarray], compress: bool
) -> None:
    assert_kept(npz.save, npz.open_npz, tmp_path_factory.mktemp("a") / "a.npz", arrays, compress)


@settings(deadline=None, max_examples=300)
@given(_listings(NUMBERS), st.booleans())
def test_any_arrays_through_hdf5(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, np.ndarray], compress: bool
) -> None:
    assert_kept(hdf5.save, hdf5.open_hdf5, tmp_path_factory.mktemp("a") / "a.h5", arrays, compress)


def test_hdf5_holds_no_text(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"HDF5 cannot hold <U3 .* write an .npz, or --skip /a"):
        hdf5.save(str(tmp_path / "a.h5"), Arrays({"/a": np.array("abc")}))


@pytest.mark.parametrize("compress", [False, True])
def test_numpy_itself_reads_what_we_write(tmp_path: Path, compress: bool) -> None:
    arrays = {"/a/W": np.arange(6, dtype=">f4").reshape(2, 3), "/N": np.array(3)}
    npz.save(str(tmp_path / "a.npz"), Arrays(arrays), compress=compress)
    with np.load(tmp_path / "a.npz") as loaded:
        assert loaded.files == ["a/W", "N"]
        assert loaded["a/W"].dtype == np.dtype(">f4")
        np.testing.assert_array_equal(loaded["a/W"], arrays["/a/W"])
