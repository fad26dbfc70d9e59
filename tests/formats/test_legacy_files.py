"""Every npz, HDF5 file and snapshot that Chainer 1.5 to 7.8 wrote, against its truth."""

from __future__ import annotations

from pathlib import Path

import legacy
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import NotWeightsError, TruncatedError, UnsafeError

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "legacy"
MODELS = list(legacy.models(FOLDER, "npz", "h5", "trainer snapshot npz"))
OPTIMIZERS = [f for kind in ("optimizer npz", "optimizer h5") for f in legacy.files(FOLDER, kind)]


def test_there_are_as_many_as_there_were(shared: Path) -> None:
    assert (len(MODELS), len(OPTIMIZERS)) == (223, 22)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_opens_to_its_truth(model: legacy.Model) -> None:
    truth = legacy.expected(model)
    with ft.open(model.file) as source:
        assert {e.path: e.kind for e in source.listing} == {p: t.kind for p, t in truth.items()}
        for entry in source.listing:
            wanted = truth[entry.path]
            if wanted.array is None:
                assert (entry.shape is None) == wanted.is_none
                assert "uninitialised" in entry.note if wanted.is_none else "object" in entry.note
                with pytest.raises(UnsafeError, match="not read"):
                    source.read(entry.path)
                continue
            got = source.read(entry.path)
            assert (entry.shape, entry.dtype) == (got.shape, got.dtype)
            _assert_same_bits(got, wanted)
            pieces = [block.copy() for block in source.blocks(entry.path)]
            assert b"".join(p.tobytes() for p in pieces) == got.tobytes()


def _assert_same_bits(got: np.ndarray, wanted: legacy.Truth) -> None:
    assert wanted.array is not None
    assert got.shape == wanted.array.shape
    if got.dtype.kind == "S" and wanted.array.dtype.kind == "U":  # Python 2 wrote str as bytes
        got = np.char.decode(got, "utf-8")
    if wanted.is_number or got.dtype.kind in "US":
        assert got.dtype.kind in wanted.array.dtype.kind + "iu"
        assert got.tolist() == wanted.array.tolist()
    else:
        assert got.dtype == wanted.array.dtype
        assert got.tobytes() == wanted.array.tobytes()


@pytest.mark.parametrize("file", OPTIMIZERS, ids=lambda f: f"{f.parent.name}/{f.name}")
def test_an_optimizer_is_no_model(file: Path) -> None:
    with pytest.raises(NotWeightsError, match="state of an optimizer, not a model; give the file"):
        ft.open(file)


def test_an_empty_file_is_named(shared: Path) -> None:
    empty = [f for f in (shared / "legacy").glob("*-py*/odd*.npz") if not f.stat().st_size]
    assert len(empty) == 4  # Chainer 6 and 7 fail on a dict and leave this behind
    for file in empty:
        with pytest.raises(TruncatedError, match="is empty"):
            ft.open(file)


def test_order_is_the_models_own_wherever_the_format_keeps_it(shared: Path) -> None:
    """Attribute order survives npz; HDF5 hands names out sorted, yet is listed as written."""
    folder = shared / "legacy" / "7.8.1-py3.8"
    with ft.open(folder / "net.npz") as npz, ft.open(folder / "net.h5") as hdf5:
        assert npz.listing.paths == hdf5.listing.paths
        assert list(npz.listing.paths) != sorted(npz.listing.paths)


@pytest.mark.parametrize("snapshot", [m for m in MODELS if "snapshot_iter" in m.file.name], ids=str)
def test_a_snapshot_says_where_its_model_is(snapshot: legacy.Model) -> None:
    with ft.open(snapshot.file) as source, ft.open(f"{snapshot.file}::/updater/model:main") as same:
        assert not source.whole
        assert "a trainer snapshot; the model is at /updater/model:main" in source.notes[0]
        assert source.listing.entries == same.listing.entries
        for path in source.listing.paths:
            assert source.read(path).tobytes() == same.read(path).tobytes()
