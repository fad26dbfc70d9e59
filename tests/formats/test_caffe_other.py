"""Caffe's files that are not weights are called by their names."""

from __future__ import annotations

from pathlib import Path

import caffe_encoder as enc
import pytest

from chainer_ft.formats.caffe_other import describe

KINDS = {
    "data/caffe/cifar10_quick_v1_everpeace/cifar10_quick_iter_4000.solverstate": (
        "is a Caffe solver state at iteration 4000; its weights are in "
        "examples/cifar10/cifar10_quick_iter_4000.caffemodel"
    ),
    "data/caffe/cifar10_h5_bxuan694/cifar10_quick_iter_5000.solverstate.h5": (
        "is a Caffe solver state at iteration 5000; its weights are in "
        "examples/cifar10/cifar10_quick_iter_5000.caffemodel.h5"
    ),
    "caffe/golden/files/sv_adam_iter_10.solverstate": "solver state at iteration 10",
    "caffe/golden/files/d.h5": "HDF5 training data",
    "caffe/golden/files/t_lmdb/data.mdb": "LMDB database",
    "caffe/golden/files/v0.prototxt": "the text that describes a net",
    "caffe/golden/files/v1.prototxt": "the text that describes a net",
    "caffe/golden/files/e_solver.prototxt": "the text that describes a training",
    "caffe/golden/files/log.txt": "a log of Caffe",
}


def described(path: Path) -> str | None:
    with path.open("rb") as file:
        return describe(file.read(4096), str(path))


@pytest.mark.parametrize("name", KINDS)
def test_real_files(shared: Path, name: str) -> None:
    sentence = described(shared / name)
    assert sentence is not None
    assert KINDS[name] in sentence


def test_no_weights_are_called_anything_else(shared: Path) -> None:
    suffixes = {".caffemodel", ".npz", ".pkl", ".binaryproto", ".onnx", ".pt", ".pth", ".keras"}
    suffixes |= {".safetensors", ".hdf5", ".h5"}
    paths = [p for p in shared.rglob("*") if p.suffix in suffixes and p.is_file()]
    assert len(paths) > 400
    for path in paths:
        if "solverstate" not in path.name and path.name != "d.h5":
            assert described(path) is None, path


def test_every_prototxt_is_known(shared: Path) -> None:
    for path in shared.rglob("*.prototxt"):
        assert "the text that describes" in str(described(path)), path


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (enc.number(1, 7) + enc.message(3, enc.blob([1.0])), "at iteration 7; its weights are in"),
        (enc.number(1, 7) + enc.text(2, "a.caffemodel"), "its weights are in a.caffemodel"),
        (b'name: "x"\nlayers {\n', "prototxt"),
        (b"# a net\nlayer: {\n", "prototxt"),
        (b'net: "x" base_lr: 0.1 max_iter: 5', "solver prototxt"),
    ],
)
def test_heads(head: bytes, says: str) -> None:
    assert says in str(describe(head, "x"))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        enc.number(1, 8) + enc.text(2, "pytorch") + enc.text(3, "1.7"),
        enc.number(1, 1) + enc.text(2, b"\x0a\x05graph") + enc.text(3, "x"),
        enc.net(enc.layer_v2("a", "ReLU")),
        b"base_lr: 1",
        b"\x89HDF\r\n\x1a\n",
        b"\0\0layer {\n",
    ],
)
def test_other_heads_are_not_caffes(head: bytes) -> None:
    assert describe(head, "/nowhere") is None
