"""Small recipes on disk: nets, their data as HDF5, solvers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np


def write_hdf5(folder: Path, name: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Arrays as the source of an HDF5Data layer; the path of the list."""
    with h5py.File(folder / f"{name}.h5", "w") as file:
        for key, array in arrays.items():
            file[key] = array.astype(np.float32)
    (folder / f"{name}.txt").write_text(f"{folder / name}.h5\n")
    return str(folder / f"{name}.txt")


def write_weights_of(path: Path, blobs: Mapping[tuple[str, int], np.ndarray]) -> str:
    """Arrays by layer and number as a ``.caffemodel.h5``."""
    with h5py.File(path, "w") as file:
        for (layer, index), array in blobs.items():
            file[f"data/{layer}/{index}"] = array
    return os.fspath(path)


def golden_net(shared: Path, folder: Path, name: str, source: str, data: str) -> str:
    """A net of the golden files, its data layer pointed at a list of our own."""
    text = (shared / "caffe" / "golden" / "files" / name).read_text()
    assert source in text
    (folder / name).write_text(text.replace(source, data))
    return str(folder / name)
