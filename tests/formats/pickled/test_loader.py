"""Which files the loader claims, and what it makes of them."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import assembler as asm
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.errors import ChainerFTError, FormatError, TruncatedError
from chainer_ft.formats.pickled.loader import LOADER, detect, open_pickle

ARRAYS = {"W": np.arange(6.0).reshape(2, 3), "b": np.zeros(2, "f4")}


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_is_claimed(protocol: int) -> None:
    data = pickle.dumps(ARRAYS, protocol)
    assert detect(data, "net") == (0.8 if protocol > 1 else 0.45)
    assert detect(pickle.dumps([ARRAYS], protocol), "net") > 0
    assert detect(pickle.dumps(tuple(ARRAYS.values()), protocol), "net") > 0


def test_models_of_every_chainer_are_claimed(shared: Path) -> None:
    for file in (shared / "legacy").glob("*-py*/*.pkl"):
        assert detect(file.read_bytes()[:4096], str(file)) >= 0.45, file


FOREIGN = {
    "nothing": b"",
    "text": b"accuracy 0.5\n",
    "json": b'{"W": [1, 2]}',
    "a list in json": b"[1, 2, 3]\n",
    "a table": b"(a, b, c)\n1,2,3\n",
    "a remark": b"(Loss of the last epoch: 0.5)\n",
    "an aside": b"(I hope this works)\n",
    "a sentence": b"quite good\n",
    "html": b"<!DOCTYPE html><html>",
    "hdf5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
    "npy": b"\x93NUMPY\x01\x00",
    "png": b"\x89PNG\r\n\x1a\n",
    "onnx": b"\x08\x07\x12\x07pytorch",
    "torch": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
    "zeros": b"\0" * 100,
}


@pytest.mark.parametrize("key", FOREIGN)
def test_other_files_are_not(key: str) -> None:
    assert detect(FOREIGN[key], "net") == 0


def test_an_npz_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "net.npz"
    np.savez(file, **{"fc/W": ARRAYS["W"]})
    with ft.open(file) as source:
        assert source.format == "npz"


def test_a_pickle_without_its_suffix(tmp_path: Path) -> None:
    file = tmp_path / "latest.chainermodel.bak"
    file.write_bytes(pickle.dumps(ARRAYS))
    with ft.open(file) as source:
        assert (source.format, source.name) == ("pickle", str(file))
        assert source.read("/W").tolist() == ARRAYS["W"].tolist()


def test_what_was_read_outlives_the_file(tmp_path: Path) -> None:
    file = tmp_path / "net.pkl"
    file.write_bytes(pickle.dumps(ARRAYS))
    with open_pickle(str(file)) as source:
        array = source.read("/W")
    file.unlink()
    array[0, 0] = 7
    assert array.sum() == ARRAYS["W"].sum() + 7


def test_reading_twice_gives_two_arrays(tmp_path: Path) -> None:
    file = tmp_path / "net.pkl"
    file.write_bytes(asm.model(asm.array(), _persistent=asm.names("N"), N=asm.integer(3)))
    with open_pickle(str(file)) as source:
        for path in ("/W", "/N"):
            first = source.read(path)
            first[...] = 9
            assert not (source.read(path) == 9).any()


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be opened"):
        open_pickle(str(tmp_path / "missing.pkl"))


@pytest.mark.parametrize("data", [b"", b"\x80\x04", b"\x80\x02}q"])
def test_short_files(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "net.pkl"
    file.write_bytes(data)
    with pytest.raises(TruncatedError, match=r"net\.pkl: ends at byte"):
        open_pickle(str(file))


def test_failure_gives_the_file_back(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    file = tmp_path / "net.pkl"
    for data in (b"\x80\x02garbage", gzip.compress(b"\x80\x02garbage")):
        file.write_bytes(data)
        for _ in range(3):
            with pytest.raises(ChainerFTError):
                open_pickle(str(file))
    assert not recwarn.list  # such as ResourceWarning


def test_the_loader_says_what_it_does() -> None:
    assert LOADER.name == "pickle"
    assert ".pkl" in LOADER.suffixes
