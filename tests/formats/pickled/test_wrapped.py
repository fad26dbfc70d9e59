"""Pickles inside gzip, bzip2, xz and zip; bombs and damage."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.formats.pickled import wrapped


def zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/net.pkl", data)
    return stream.getvalue()


PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped}
ARRAY = np.arange(5000.0)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", PACK)
def test_each_wrapper(tmp_path: Path, name: str, protocol: int) -> None:
    file = tmp_path / "net"
    file.write_bytes(PACK[name](pickle.dumps({"W": ARRAY}, protocol)))
    with ft.open(file) as source:
        assert source.name == str(file)
        assert not source.whole
        assert (source.read("/W") == ARRAY).all()


@pytest.mark.parametrize("name", PACK)
def test_damage_inside(tmp_path: Path, name: str) -> None:
    data = bytearray(PACK[name](pickle.dumps({"W": ARRAY}, 2)))
    file = tmp_path / "net"
    for cut in (len(data) // 2, len(data) - 3):
        file.write_bytes(data[:cut])
        with pytest.raises(ft.ChainerFTError, match="net: "):
            ft.open(file)
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(ft.ChainerFTError, match="net: "):
        ft.open(file)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zipped])
def test_bombs(
    tmp_path: Path, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapped, "_SLACK", 1000)
    file = tmp_path / "net"
    file.write_bytes(pack(pickle.dumps(bytes(3_000_000), 2)))
    with pytest.raises(ft.ChainerFTError, match="this is a bomb"):
        ft.open(file)


def test_a_zip_of_several_files_is_no_pickle(tmp_path: Path) -> None:
    file = tmp_path / "net"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.pkl", pickle.dumps(1))
        archive.writestr("b.pkl", pickle.dumps(2))
    with pytest.raises(ft.ChainerFTError, match="is a zip but no npz"):
        ft.open(file)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    file = tmp_path / "net.gz"
    file.write_bytes(gzip.compress(pickle.dumps({"W": ARRAY}, 2)))
    with ft.open(file) as source:
        assert source.read("/W").shape == (5000,)
        assert list(tmp_path.iterdir()) == [file]
