"""Files handed over by mistake: one sentence, which says what to type next."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import h5py
import mutations as mu
import numpy as np
import odd_nets as nets
import pytest
from chainer import serializers
from test_atomic import open_folder, unprivileged  # noqa: F401

import chainer_ft as ft
from chainer_ft.errors import FormatError, NotWeightsError, TruncatedError
from chainer_ft.formats.wrong_kinds import name_wrong_kind


def said(path: Path | str) -> str:
    """What opening the file says, which must be one line that begins with its name."""
    with pytest.raises(FormatError) as caught:
        ft.open(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


def tar(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("vgg.caffemodel")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def npy() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 574671192\n"
CONTENTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", r"is empty \(0 bytes\); download or copy it again"),
    "lfs": (lambda: LFS, r"git-lfs pointer, .* 574671192 bytes itself; run `git lfs pull`"),
    "html": (lambda: b"<!DOCTYPE html><html>", "is a web page, .*download the file itself"),
    "html after a comment": (lambda: b"\n<!-- x -->\n<HTML>" + b"<p>" * 99, "is a web page"),
    "xml": (lambda: b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "is XML"),
    "json": (lambda: b'{"message": "Not Found"}', "is JSON, not weights"),
    "gzip": (lambda: gzip.compress(LFS), r"is gzip; unpack it first \(gunzip\)"),
    "bzip2": (lambda: bz2.compress(LFS), r"is bzip2; unpack it first \(bunzip2\)"),
    "xz": (lambda: lzma.compress(LFS), r"is xz; unpack it first \(unxz\)"),
    "tar": (lambda: tar(LFS), r"is a tar archive; unpack it first \(tar xf\)"),
    "npy": (npy, r"is a single .npy array without a path; give it one: numpy\.savez"),
    "matlab": (lambda: b"MATLAB 5.0 MAT-file, Platform: X" + bytes(500), r"scipy\.io\.loadmat"),
    "torch": (
        lambda: mu.zipped(["archive/data.pkl", "archive/data/0"], [b"", b""]),
        "is a PyTorch file; install the plugin chainer-ft-torch",
    ),
    "old torch": (
        lambda: pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2),
        "is a PyTorch file; install the plugin chainer-ft-torch",
    ),
    "onnx": (
        lambda: b"\x08\x08\x12\x07pytorch\x1a\x052.0.0:\xb2\xb7\x01\n\x9b\x0f\n\x07" + bytes(300),
        "is an ONNX file; install the plugin chainer-ft-onnx",
    ),
    "keras 3": (
        lambda: mu.zipped(["metadata.json", "model.weights.h5"], [b"", b""]),
        "is a Keras file; install the plugin chainer-ft-keras",
    ),
    "zip": (
        lambda: mu.zipped(["a.txt", "b\x1b[2J", "c", "d"], [b""] * 4),
        r"is a zip but no npz: it holds 'a.txt', 'b\\x1b\[2J', 'c' ...; unpack it and name",
    ),
    "safetensors": (
        lambda: b"\x36" + bytes(7) + b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        "is a safetensors file; install the plugin chainer-ft-safetensors",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("suffix", [".npz", ".h5", ".caffemodel", ""])
def test_told_by_content_whatever_the_suffix(tmp_path: Path, kind: str, suffix: str) -> None:
    content, sentence = CONTENTS[kind]
    (tmp_path / f"model{suffix}").write_bytes(content())
    assert re.search(sentence, said(tmp_path / f"model{suffix}"))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_named(protocol: int) -> None:
    for thing in ({"a": 1}, [1], nets.Odd):
        wrong = name_wrong_kind(pickle.dumps(thing, protocol), "vgg.pkl")
        assert isinstance(wrong, NotWeightsError)
        assert "is a Python pickle" in str(wrong)


def test_keras_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["keras_version"] = "2.0.5"
        file["model_weights/conv/W"] = np.zeros(3)
    assert "is a Keras HDF5 file; install the plugin chainer-ft-keras" in said(tmp_path / "a.h5")


def test_real_files_of_others(shared: Path) -> None:
    kinds = {
        "keras/dogcat/weights.h5": "is a Keras HDF5 file",
        "keras/face_classification/tiny_XCEPTION_KDEF.hdf5": "is a Keras HDF5 file",
        "keras/keras3/pre_pr22362_nested_container.keras": "is a Keras file",
        "torch/burn/mnist.pt": "is a PyTorch file",
        "torch/lpips/v0.1/alex.pth": "is a PyTorch file",
        "onnx/burn/mnist.onnx": "is an ONNX file",
        "safetensors/burn/mnist.safetensors": "is a safetensors file",
        "chainer/ppo_bipedal/optimizer.npz": "holds the state of an optimizer, not a model",
        "caffe/cifar10_quick_v1_everpeace/cifar10_quick_iter_4000.solverstate": "solver state",
        "caffe/cifar10_h5_bxuan694/cifar10_quick_iter_5000.solverstate.h5": "solver state",
    }
    for name, sentence in kinds.items():
        assert sentence in said(shared / "data" / name)


@pytest.mark.parametrize("name", ["model.npz", "model.h5", "model.txt", "model"])
def test_a_caffemodel_under_any_name(shared: Path, tmp_path: Path, name: str) -> None:
    real = shared / "data" / "caffe" / "lenet_v2_ethereon" / "lenet_iter_10000.caffemodel"
    (tmp_path / name).symlink_to(real)
    with ft.open(tmp_path / name) as source, ft.open(real) as same:
        assert source.format == "caffemodel"
        assert source.listing.entries == same.listing.entries


@pytest.mark.parametrize("name", ["a.caffemodel", "a.npz", "a.h5", "a"])
def test_chainers_files_under_any_name(tmp_path: Path, name: str) -> None:
    model = nets.Odd(1)
    for save, form in ((serializers.save_npz, "npz"), (serializers.save_hdf5, "hdf5")):
        save(str(tmp_path / name), model)
        with ft.open(tmp_path / name) as source:
            assert source.format == form


# --- cut ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True])
def test_an_npz_cut_anywhere(tmp_path: Path, compress: bool) -> None:
    """The directory is lost with the end; what is in front says how far it should go."""
    serializers.save_npz(str(tmp_path / "whole"), nets.Odd(1, "npz"), compress)
    whole, file = (tmp_path / "whole").read_bytes(), tmp_path / "cut.npz"
    for end in [*range(1, len(whole), 37), len(whole) - 1]:
        file.write_bytes(whole[:end])
        with pytest.raises(FormatError) as caught:
            ft.open(file)
        if end < 4:
            continue  # too short to be anything
        assert isinstance(caught.value, TruncatedError), (end, caught.value)
        far = re.search(r"ends at byte (\d+) of at least (\d+) \(.*\); down", str(caught.value))
        assert far is not None
        assert int(far[1]) == end < int(far[2]) <= len(whole)


def test_a_cut_npz_names_the_member(tmp_path: Path) -> None:
    arrays = {"conv1/W": np.zeros(1000, "f4"), "conv2/W": np.zeros(1000, "f4")}
    np.savez(tmp_path / "whole.npz", **arrays)
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:6000])
    assert "of at least 8" in said(tmp_path / "cut.npz")
    assert "(in member conv2/W.npy)" in said(tmp_path / "cut.npz")
    (tmp_path / "cut.npz").write_bytes(whole[:-30])
    assert "(in the directory; 2 members are whole)" in said(tmp_path / "cut.npz")


def test_an_hdf5_cut_anywhere(tmp_path: Path) -> None:
    serializers.save_hdf5(str(tmp_path / "whole"), nets.Odd(1))
    whole, file = (tmp_path / "whole").read_bytes(), tmp_path / "cut.h5"
    for end in range(96, len(whole), 1999):
        file.write_bytes(whole[:end])
        assert said(file) == f"ends at byte {end} of {len(whole)}; download or copy it again"


def test_a_cut_snapshot_of_old(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "data/chainer/siamese/result/snapshot_iter_13550").read_bytes()
    (tmp_path / "snapshot").write_bytes(whole[:1_000_000])
    assert "ends at byte 1000000 of at least 1" in said(tmp_path / "snapshot")


# --- not a file at all --------------------------------------------------------------------------


def test_a_folder(tmp_path: Path) -> None:
    assert said(tmp_path) == "is a folder; name a weights file in it"


def test_a_missing_file(tmp_path: Path) -> None:
    assert "there is no such file" in said(tmp_path / "a.npz")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
def test_no_permission(open_folder: Path) -> None:  # noqa: F811
    file = open_folder / "a.npz"
    file.write_bytes(b"PK")
    file.chmod(0)
    with unprivileged():
        assert "cannot be opened: Permission denied" in said(file)
