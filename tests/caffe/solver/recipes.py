"""Small recipes on disk: nets, their data as HDF5, solvers; and what came of them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from chainer_ft.caffe.solver.stored import stored_net


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


def golden_recipe(shared: Path, folder: Path) -> str:
    """The golden recipe of the log, with its first snapshot, in a folder; its solver's text."""
    files = shared / "caffe" / "golden" / "files"
    for name in ("snap_iter_5.caffemodel", "snap_iter_5.solverstate"):
        (folder / name).write_bytes((files / name).read_bytes())
    (folder / "d.txt").write_text(f"{files / 'd.h5'}\n")
    golden_net(shared, folder, "net.prototxt", "/ref/d.txt", str(folder / "d.txt"))
    return (files / "solver.prototxt").read_text().replace("/ref/", f"{folder}/")


LITTLE_NET = """
name: "little"
layer {{ name: "data" type: "HDF5Data" top: "data" top: "label"
        hdf5_data_param {{ source: "{data}" batch_size: 4 }} }}
layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param {{ num_output: 3 kernel_size: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }}
layer {{ name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param {{ bias_term: true }} }}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{ name: "drop" type: "Dropout" bottom: "conv" top: "conv" }}
layer {{ name: "frozen" type: "InnerProduct" bottom: "conv" top: "frozen" param {{ lr_mult: 0 }}
        param {{ lr_mult: 0 }}
        inner_product_param {{ num_output: 5 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "fc" type: "InnerProduct" bottom: "frozen" top: "fc"
        inner_product_param {{ num_output: 3 transpose: true
                              weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }}
layer {{ name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy"
        include {{ phase: TEST }} }}
"""


def little_recipe(folder: Path, records: int = 14) -> str:
    """A net with statistics, random masks, frozen and transposed layers; the path of its net."""
    random = np.random.RandomState(0)
    arrays = {"data": random.randn(records, 2, 5, 5), "label": random.randint(0, 3, records)}
    data = write_hdf5(folder, "little", arrays)
    (folder / "little.prototxt").write_text(LITTLE_NET.format(data=data))
    return str(folder / "little.prototxt")


#: Fields of each type of solver.
TYPES: dict[str, dict[str, Any]] = {
    "SGD": {},
    "Nesterov": {"type": '"Nesterov"'},
    "AdaGrad": {"type": '"AdaGrad"', "momentum": 0},
    "RMSProp": {"type": '"RMSProp"', "momentum": 0},
    "AdaDelta": {"type": '"AdaDelta"', "delta": 1e-6},
    "Adam": {"type": '"Adam"', "iter_size": 2, "clip_gradients": 0.5},
}


def recipe(folder: Path, **fields: Any) -> str:
    """A solver's text for the little recipe, with a snapshot prefix."""
    given = {
        "net": f'"{little_recipe(folder)}"',
        "test_iter": 3,
        "test_interval": 4,
        "base_lr": 0.1,
        "lr_policy": '"multistep"',
        "gamma": 0.5,
        "stepvalue": 3,
        "momentum": 0.9,
        "weight_decay": 0.01,
        "max_iter": 9,
        "display": 1,
        "average_loss": 3,
        "snapshot_prefix": f'"{folder / "x"}"',
        **fields,
    }
    return " ".join(f"{name}: {value}" for name, value in given.items())


def weights(path: Path) -> dict[tuple[str, int], np.ndarray]:
    """The blobs of a snapshot, by layer and number."""
    with stored_net(str(path)) as stored:
        return {
            (layer.name, i): blob.read()
            for layer in stored.layers
            for i, blob in layer.blobs.items()
        }


def messages(log: str) -> list[str]:
    """What a log says, without prefixes and times."""
    said = [line.split("] ", 1)[1] for line in log.splitlines() if re.match(r"[IW]\d{4} ", line)]
    return [re.sub(r" \(.*iters\)", "", line).replace("/ref/", "") for line in said]
