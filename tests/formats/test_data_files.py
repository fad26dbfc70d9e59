"""Files that people published, against an independent reading with NumPy and h5py."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import chainer_ft as ft

MODELS = {
    "waifu2x/models/vgg7/anime_style_scale_rgb.npz": (14, 290_467),
    "siamese/result_cifar10/model_100.npz": (48, 52_532),
    "siamese/result/model.npz": (10, 431_102),
    "ppo_bipedal/model.npz": (13, 11_849),
    "async_rl_breakout_old/breakout_48100000.h5": (None, None),
}


def reading(file: Path) -> dict[str, np.ndarray]:
    """All arrays by path, in the order of the file."""
    if zipfile.is_zipfile(file):
        with np.load(file) as loaded:
            return {f"/{name}": loaded[name] for name in loaded.files}
    found: dict[str, np.ndarray] = {}
    with h5py.File(file, "r") as opened:
        opened.visititems(
            lambda name, item: (
                found.update({f"/{name}": item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


@pytest.mark.parametrize("name", MODELS)
def test_published_models(shared: Path, name: str) -> None:
    file, (arrays, numbers) = shared / "data" / "chainer" / name, MODELS[name]
    known = reading(file)
    with ft.open(file) as source:
        assert source.whole
        assert set(source.listing.paths) == set(known)
        if name.endswith(".npz"):
            assert source.listing.paths == tuple(known)
        for path, array in known.items():
            entry, got = source.listing[path], source.read(path)
            assert (entry.shape, entry.dtype) == (array.shape, array.dtype)
            assert (got.shape, got.dtype) == (array.shape, array.dtype)
            assert got.tobytes() == array.tobytes()
            assert entry.kind == ("persistent" if path[-2:] == "/N" or "avg_" in path else "param")
        assert arrays in (None, len(source.listing))
        assert numbers in (None, sum(entry.size for entry in source.listing))


def test_a_published_snapshot(shared: Path) -> None:
    file, main = shared / "data/chainer/siamese/result/snapshot_iter_13550", "/updater/model:main"
    known = reading(file)
    assert len(known) == 30
    with ft.open(file) as source:
        assert set(source.listing.paths) == {p[len(main) :] for p in known if p.startswith(main)}
        assert {entry.kind for entry in source.listing} == {"param"}
        for path in source.listing.paths:
            assert source.read(path).tobytes() == known[main + path].tobytes()


def test_columns_stay_columns(shared: Path) -> None:
    """One array of this file is kept in Fortran order."""
    file = shared / "data/chainer/ppo_bipedal/model.npz"
    known = reading(file)
    columns = [p for p, a in known.items() if a.ndim > 1 and a.flags.f_contiguous]
    assert len(columns) == 1
    with ft.open(file) as source:
        assert source.read(columns[0]).flags.f_contiguous
        blocks = np.concatenate([block.copy() for block in source.blocks(columns[0])])
        np.testing.assert_array_equal(blocks, known[columns[0]].reshape(-1))
