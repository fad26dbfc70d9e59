"""Filling existing pickles: only the numbers change, and the lab's own code loads the result."""

from __future__ import annotations

import os
import pickle
import subprocess
from pathlib import Path

import chainer
import chainer.links as L  # noqa: N812
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.formats.pickled.source import PickleSource
from chainer_ft.types import Listing, Source


class Other(Source):
    """Random numbers in the place of every array; what is one array stays one."""

    def __init__(self, inner: Source) -> None:
        self.name, self._inner, self._made = "other.npz", inner, {}
        self._rng = np.random.RandomState(1)

    @property
    def listing(self) -> Listing:
        return self._inner.listing

    def read(self, path: str) -> np.ndarray:
        array = self._inner.read(path)
        key = array.tobytes(), array.shape  # equal arrays may be shared bytes
        if array.dtype.kind == "f" and array.shape:
            made = self._rng.standard_normal(array.shape).astype(array.dtype)
            return self._made.setdefault(key, made)
        return array


def without_numbers(source: PickleSource) -> bytes:
    """The stream without the bytes of its weights, and without their lengths."""
    raws = {slot.ref.raw for slot in map(source.slot, source.listing.paths) if slot.ref}
    kept, position = [], 0
    for raw in sorted(filter(None, raws), key=lambda raw: raw.start):
        start = raw.start - 5 if raw.coding == "text" else raw.start
        kept.append(source.data[position:start])
        position = raw.end
    return b"|".join([*kept, source.data[position:]])


@pytest.fixture(scope="session")
def files(shared: Path) -> list[Path]:
    folders = [*shared.glob("legacy/*-py*"), shared / "legacy/device", shared / "legacy/numpy"]
    found = [p for folder in folders for p in sorted(folder.glob("*.p[0-5].pkl"))]
    return [p for p in found if not p.name.startswith("optimizer")]


def test_every_pickle_of_every_chainer(files: list[Path], tmp_path: Path) -> None:
    assert len(files) > 400
    out = tmp_path / "out.pkl"
    for file in files:
        with ft.open(file) as base:
            if not len(base.listing):
                continue
            other = Other(base)
            ft.copy(other, file, out=out)
            with ft.open(out) as made:
                assert made.listing.entries == base.listing.entries, file
                for entry in made.listing:
                    if not entry.note:
                        wanted = other.read(entry.path).tobytes()
                        assert made.read(entry.path).tobytes() == wanted, (file, entry.path)
                assert isinstance(made, PickleSource)
                assert without_numbers(made) == without_numbers(base), file


@pytest.mark.parametrize("protocol", range(6))
def test_a_live_chainer_loads_the_result(tmp_path: Path, protocol: int) -> None:
    def net() -> chainer.Chain:
        return chainer.Chain(conv=L.Convolution2D(1, 4, 3), bn=L.BatchNormalization(4))

    old, new = tmp_path / "old.pkl", net()
    old.write_bytes(pickle.dumps(net(), protocol))
    ft.copy(new, str(old))
    loaded = pickle.loads(old.read_bytes())
    for one, other in zip(loaded.params(), new.params(), strict=True):
        assert (one.array == other.array).all()


def test_a_number_in_the_code_stays(tmp_path: Path) -> None:
    old, new = chainer.Chain(bn=L.BatchNormalization(4)), chainer.Chain(bn=L.BatchNormalization(4))
    new.bn.N = 7
    file = tmp_path / "old.pkl"
    file.write_bytes(pickle.dumps(old, 2))
    before = file.read_bytes()
    with pytest.raises(ft.ChainerFTError, match=r"/bn/N: is the number 0 .* --skip it"):
        ft.copy(new, str(file))
    assert file.read_bytes() == before
    ft.copy(new, str(file), skip="/bn/N")


def test_arrays_on_the_same_bytes_are_refused(shared: Path, tmp_path: Path) -> None:
    file = shared / "legacy/7.8.1-py3.8/net.p5.pkl"
    net = tmp_path / "net.npz"
    with ft.open(file) as base:
        arrays = {e.path[1:]: base.read(e.path) for e in base.listing}
    arrays["twin/W"] = arrays["twin/W"] + 1
    np.savez(net, **arrays)
    with pytest.raises(ft.ChainerFTError, match=r"shares its bytes with another array.*-o out.npz"):
        ft.copy(str(net), str(file), out=tmp_path / "out.pkl")
    assert not (tmp_path / "out.pkl").exists()


def test_a_pickle_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ft.ChainerFTError, match="can be filled and not made"):
        ft.save(tmp_path / "new.pkl", L.Linear(2, 2))


def test_a_packed_pickle_is_not_filled(shared: Path, tmp_path: Path) -> None:
    file = shared / "legacy/7.8.1-py3.8/net.p2.pkl.gz"
    with pytest.raises(ft.ChainerFTError, match=r"-o out\.npz"):
        ft.copy(str(file), str(file), out=tmp_path / "out.pkl")


OLD = os.environ.get("CHAINER_FT_OLD_PYTHON", "")
LOAD = """
import pickle, sys, numpy
net = pickle.load(open(sys.argv[1], "rb"))
named = [(p.lstrip("/").replace("/", "|"), v.data) for p, v in net.namedparams()]
numpy.savez(sys.argv[2], **dict(named))
"""


@pytest.mark.skipif(not OLD, reason="CHAINER_FT_OLD_PYTHON names no Python with an old Chainer")
@pytest.mark.parametrize("stem", ["plain_chain.p0", "plain_chain.p2", "rnn.p0", "rnn.p2"])
def test_the_old_environment_loads_the_result(shared: Path, tmp_path: Path, stem: str) -> None:
    """With ``CHAINER_FT_OLD_PYTHON`` a Python that has Chainer 7.8.1 on its own old stack."""
    file, out = shared / f"legacy/7.8.1-py3.8/{stem}.pkl", tmp_path / "out.pkl"
    with ft.open(file) as base:
        other = Other(base)
        ft.copy(other, file, out=out)
        subprocess.run([OLD, "-c", LOAD, out, tmp_path / "got.npz"], check=True, timeout=120)
        with np.load(tmp_path / "got.npz") as got:
            assert got.files
            for name in got.files:
                assert (got[name] == other.read("/" + name.replace("|", "/"))).all()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", [b"\x01", b"b", b"W", b"<"])
def test_bytes_that_stand_elsewhere_too_are_never_touched(
    tmp_path: Path, protocol: int, value: bytes
) -> None:
    """One-byte strings are singletons, so an array's bytes may be a mark or a part of a name."""
    old = chainer.Link()
    old.add_persistent("flag", np.frombuffer(value, np.uint8).copy())
    old.mark, old.table = value, {value: 1, value.decode("latin-1"): 2}
    file = tmp_path / "old.pkl"
    file.write_bytes(pickle.dumps(old, protocol))
    before = file.read_bytes()
    new = chainer.Link()
    new.add_persistent("flag", np.array([77], np.uint8))
    try:
        ft.copy(new, str(file))
    except ft.ChainerFTError as error:
        assert "shares its bytes" in str(error)
        assert file.read_bytes() == before
    else:
        loaded = pickle.loads(file.read_bytes())
        assert loaded.flag.tolist() == [77]
        assert (loaded.mark, loaded.table) == (old.mark, old.table)
