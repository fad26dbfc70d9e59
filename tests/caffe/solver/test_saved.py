"""Weights as Caffe writes them: real ones back to their bytes, and what Caffe cannot keep."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from caffe_encoder import stored_blobs
from hdf5_layout import layout

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import read_net
from chainer_ft.caffe.solver.finished import finished
from chainer_ft.caffe.solver.saved import SavedBlob, SavedNet, write_weights
from chainer_ft.caffe.solver.stored import stored_net
from chainer_ft.caffe.splits import insert_splits
from chainer_ft.errors import FormatError


def read_back(prototxt: Path, weights: Path) -> SavedNet:
    """The net of a prototxt with the blobs of a file."""
    net = read_net(prototxt)
    kept = [layer for layer in net.layer if layer.name != "accuracy"]  # in TEST only
    with stored_net(str(weights)) as stored:
        blobs = {
            layer.name: [
                SavedBlob(blob.read().reshape(blob.shape))
                for _, blob in sorted(layer.blobs.items())
            ]
            for layer in stored.layers
        }
    layers = [finished(layer, "TRAIN") for layer in insert_splits(kept)]
    return SavedNet(net.name, layers, [blobs[layer.name] for layer in layers])


@pytest.mark.parametrize(
    ("prototxt", "weights"),
    [
        ("net.prototxt", "snap_iter_5.caffemodel"),
        ("net.prototxt", "snap_iter_12.caffemodel"),
        ("s_net.prototxt", "sv_adam_iter_10.caffemodel"),
    ],
)
def test_weights_of_real_caffe_are_written_byte_for_byte(
    prototxt: str, weights: str, shared: Path, tmp_path: Path
) -> None:
    files = shared / "caffe" / "golden" / "files"
    write_weights(tmp_path / "x.caffemodel", read_back(files / prototxt, files / weights))
    assert (tmp_path / "x.caffemodel").read_bytes() == (files / weights).read_bytes()


def test_the_hdf5_weights_of_real_caffe_are_written_alike(shared: Path, tmp_path: Path) -> None:
    files = shared / "caffe" / "golden" / "files"
    original = files / "snaph_iter_5.caffemodel.h5"
    write_weights(tmp_path / "x.caffemodel.h5", read_back(files / "net.prototxt", original))
    assert layout(tmp_path / "x.caffemodel.h5") == layout(original)


def shared_net() -> SavedNet:
    weights = np.arange(6, dtype="f4").reshape(2, 3)
    layers = [Message("LayerParameter", name=name, type="InnerProduct") for name in ("a", "b", "r")]
    first = SavedBlob(weights, weights * 2)
    return SavedNet("", layers, [[first], [SavedBlob(weights, weights * 2, True)], []])


def test_a_shared_blob_is_written_twice_in_binary_and_once_in_hdf5(tmp_path: Path) -> None:
    write_weights(tmp_path / "x.caffemodel", shared_net())
    data = (tmp_path / "x.caffemodel").read_bytes()
    assert data.startswith(b"\x0a\x00")  # an empty name is written, as by Caffe
    assert sorted(stored_blobs(data)) == [("a", 0), ("b", 0)]
    write_weights(tmp_path / "x.caffemodel.h5", shared_net())
    with h5py.File(tmp_path / "x.caffemodel.h5") as file:
        assert {name: list(group) for name, group in file["data"].items()} == {
            "a": ["0"],
            "b": [],
            "r": [],
        }
        assert {name: list(group) for name, group in file["diff"].items()} == {
            "a": ["0"],
            "b": ["0"],
            "r": [],
        }


def test_a_slash_in_a_name_is_refused_for_hdf5_only(tmp_path: Path) -> None:
    layer = Message("LayerParameter", name="conv1/7x7", type="ReLU")
    write_weights(tmp_path / "x.caffemodel", SavedNet("n", [layer], [[]]))
    with pytest.raises(FormatError, match=r"'conv1/7x7' .* BINARYPROTO"):
        write_weights(tmp_path / "x.caffemodel.h5", SavedNet("n", [layer], [[]]))
    assert not (tmp_path / "x.caffemodel.h5").exists()
