"""Chainer's npz: what is refused, and what is said."""

from __future__ import annotations

import io
import os
import pickle
import time
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import mutations as mu
import numpy as np
import pytest
from limits import memory_below

from chainer_ft.errors import ChainerFTError, FormatError, NotWeightsError, UnsafeError
from chainer_ft.formats import none_array, npz
from chainer_ft.types import Source

Open = Callable[[bytes], Source]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Writes a file and opens it."""

    def write_and_open(data: bytes) -> Source:
        (tmp_path / "a.npz").write_bytes(data)
        return npz.open_npz(str(tmp_path / "a.npz"))

    return write_and_open


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def header(descr: str, shape: str, order: str = "False") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin-1")


W = npy(np.arange(6, dtype="f4").reshape(2, 3))


def one(content: bytes, name: str = "a/W.npy") -> bytes:
    return mu.zipped([name], [content])


# --- headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("descr", mu._DESCRS)
@pytest.mark.parametrize("shape", ["(2, 3)", "()", "(0,)"])
def test_strange_dtypes(opened: Open, descr: str, shape: str) -> None:
    """Refused, or what NumPy reads."""
    data = one(header(descr, shape) + bytes(24))
    try:
        with opened(data) as source:
            got = source.read("/a/W")
    except ChainerFTError:
        return
    with np.load(io.BytesIO(data)) as loaded:
        assert got.dtype == loaded["a/W"].dtype
        assert got.tobytes() == loaded["a/W"].tobytes()


@pytest.mark.parametrize("shape", [s for s in mu._SHAPES if s != "(2L, 3L)"])
def test_strange_shapes(opened: Open, shape: str) -> None:
    with pytest.raises(FormatError, match=r"^/.*a\.npz::/a/W: "):
        opened(one(header("'<f4'", shape) + bytes(24))).read("/a/W")


def test_python_2_wrote_long_numbers(opened: Open) -> None:
    with opened(one(header("'<f4'", "(2L, 3L)") + bytes(24))) as source:
        assert source.read("/a/W").shape == (2, 3)


def test_another_count_of_numbers_than_declared(opened: Open) -> None:
    with pytest.raises(FormatError, match=r"holds 24 bytes .* \(2, 4\) of float32 needs 32"):
        opened(one(header("'<f4'", "(2, 4)") + bytes(24)))


def test_no_array_at_all(opened: Open) -> None:
    with pytest.raises(FormatError, match=r"is not a .npy array"):
        opened(one(b"hello"))


# --- objects ------------------------------------------------------------------------------------


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (self.file,)


@pytest.mark.parametrize("shape", [(), (1,), (2, 2)])
def test_nothing_in_an_object_array_runs(opened: Open, tmp_path: Path, shape: tuple[int]) -> None:
    made = np.empty(shape, object)
    made[...] = Canary(tmp_path / "canary")
    with opened(mu.zipped(["a.npy", "W.npy"], [npy(made), W])) as source:
        assert source.listing["/a"].note == "object array: reading it would run code"
        assert source.read("/W").shape == (2, 3)
        with pytest.raises(UnsafeError, match="reading it would run code; it is not read"):
            source.read("/a")
        with pytest.raises(UnsafeError):
            list(source.blocks("/a"))
    assert not (tmp_path / "canary").exists()
    pickle.loads(npy(made)[128:])  # the canary sings where it is let
    assert (tmp_path / "canary").exists()


def test_only_none_is_taken_for_uninitialised(opened: Open) -> None:
    def of(thing: object) -> bytes:
        made = np.empty((), object)
        made[()] = thing
        return npy(made)

    names = ["none.npy", "dict.npy", "list.npy"]
    with opened(mu.zipped(names, [of(None), of({"a": None}), of([None])])) as source:
        assert [entry.shape for entry in source.listing] == [None, (), ()]


def test_records_with_objects_are_not_read(opened: Open) -> None:
    with opened(one(header("[('a', '<f4'), ('b', '|O')]", "(2,)") + bytes(24))) as source:
        assert source.listing["/a/W"].note
        with pytest.raises(UnsafeError):
            source.read("/a/W")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_none_of_every_protocol_is_known(protocol: int) -> None:
    none = pickle.dumps(np.array(None), protocol)
    assert none_array.is_none(none)
    for thing in ({}, [None], (None,), 1, "x", [], [None, None], {None: None}):
        made = np.empty((), object)
        made[()] = thing
        assert not none_array.is_none(pickle.dumps(made, protocol))
    assert not none_array.is_none(none[:-1])


def test_our_none_is_numpys() -> None:
    assert pickle.loads(none_array.PICKLE)[()] is None


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.npy", "/etc/passwd.npy", "C:\\x.npy", "a//b.npy"]
)
def test_a_name_is_only_a_name(opened: Open, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.iterdir())
    with opened(one(W, name)) as source:
        assert source.read(source.listing.paths[0]).shape == (2, 3)
        assert source.listing.paths[0] == "/" + name[:-4].lstrip("/")
    assert sorted(tmp_path.iterdir()) == [*before, tmp_path / "a.npz"]


@pytest.mark.parametrize("name", [".npy", "/.npy", "//.npy"])
def test_a_name_must_be_there(opened: Open, name: str) -> None:
    with pytest.raises(FormatError, match="an array without a name"):
        opened(one(W, name))


@pytest.mark.parametrize("name", ["a\x1b[2J.npy", "a\nb.npy", "a\u202eyp.npy"])
def test_a_name_must_not_command_a_terminal(opened: Open, name: str) -> None:
    with pytest.raises(UnsafeError, match="cannot be printed") as caught:
        opened(one(W, name))
    assert str(caught.value).isascii()


def test_a_nul_ends_a_name(opened: Open) -> None:
    data = one(W, "a_b.npy").replace(b"a_b.npy", b"a\0b.npy")
    with pytest.raises(FormatError):
        opened(data)


@pytest.mark.parametrize("other", ["a/W.npy", "/a/W.npy", "a/W/.npy"])
def test_one_name_for_two_members(opened: Open, other: str) -> None:
    with pytest.warns(UserWarning, match="Duplicate") if other == "a/W.npy" else nullcontext():
        data = mu.zipped(["a/W.npy", other], [W, W])
    with pytest.raises(FormatError, match="two members"):
        opened(data)


def test_members_that_are_no_arrays_are_told_of(opened: Open) -> None:
    with opened(mu.zipped(["W.npy", "README.txt", "d/"], [W, b"hi", b""])) as source:
        assert source.notes == ("left out, being no arrays: README.txt",)
        assert not source.whole


# --- the zip ------------------------------------------------------------------------------------


def test_a_bomb_is_not_unpacked(opened: Open) -> None:
    """42 MB of zeros fit into 42 KB, and are read; what cannot be true is refused."""
    zeros = np.zeros(42 << 18, "f4")
    data = mu.zipped(["W.npy"], [npy(zeros)], compress=True)
    assert len(data) < 60_000
    with opened(data) as source:
        np.testing.assert_array_equal(source.read("/W"), zeros)


@pytest.mark.parametrize("compress", [False, True])
def test_a_lie_about_the_size_costs_nothing(opened: Open, compress: bool) -> None:
    content = header("'<f4'", "(500000000,)") + bytes(24)
    data = bytearray(mu.zipped(["W.npy"], [content], compress))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (128 + 2_000_000_000).to_bytes(4, "little")
    refused = pytest.raises(UnsafeError, match="this zip is a bomb or damaged")
    with memory_below(4 << 20), refused:
        opened(bytes(data))


def test_members_must_not_overlap(opened: Open) -> None:
    """One big member under many names: each is whole, and a small file would become huge."""
    data = bytearray(mu.zipped(["a.npy", "b.npy"], [W, W]))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    with pytest.raises(FormatError, match=r"lies inside another one|damaged"):
        opened(bytes(data))


def test_an_encrypted_member(opened: Open) -> None:
    data = bytearray(one(W))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    with pytest.raises(FormatError, match="is encrypted; unpack it and zip it again"):
        opened(bytes(data))


@pytest.mark.parametrize(
    ("method", "name"), [(9, "deflate64"), (12, "bzip2"), (14, "lzma"), (93, "zstd|93"), (77, "77")]
)
def test_packed_as_numpy_never_packs(opened: Open, method: int, name: str) -> None:
    data = bytearray(one(W))
    for magic, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(magic) + offset] = method
    with pytest.raises(FormatError, match=f"is packed with ({name}).*again with deflate"):
        opened(bytes(data))


def test_zip64_that_lies(opened: Open) -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w") as archive,
        archive.open("W.npy", "w", force_zip64=True) as member,
    ):
        member.write(W)
    data = bytearray(out.getvalue())
    with opened(bytes(data)) as source:
        assert source.read("/W").shape == (2, 3)
    at = data.index(b"PK\x01\x02")
    data[at + 20 : at + 28] = b"\xff" * 8  # sizes are in a field that is not there
    with pytest.raises(FormatError):
        opened(bytes(data))


def test_one_wrong_bit_anywhere_in_the_numbers(opened: Open) -> None:
    whole = one(npy(np.zeros(5000, "f4")))
    begin = whole.index(b"\x93NUMPY") + 128
    for at in range(begin, begin + 20_000, 999):
        data = bytearray(whole)
        data[at] ^= 16
        with opened(bytes(data)) as source:
            with pytest.raises(FormatError, match=r"CRC is wrong.*download or copy it again"):
                source.read("/a/W")
            with pytest.raises(FormatError, match="CRC is wrong"):
                list(source.blocks("/a/W"))


def test_a_member_that_the_directory_forgot(opened: Open) -> None:
    """A comment of wrong length swallows the next entry of the directory."""
    data = bytearray(mu.zipped(["a.npy", "b.npy"], [W, W]))
    first = data.index(b"PK\x01\x02")
    data[first + 32 : first + 34] = (46 + len("b.npy")).to_bytes(2, "little")
    with pytest.raises(FormatError, match="1 of 2 members are listed"):
        opened(bytes(data))


def test_an_npz_of_nothing_is_an_empty_model(opened: Open) -> None:
    with opened(mu.zipped([], [])) as source:
        assert len(source.listing) == 0


def test_a_zip_of_other_things(opened: Open) -> None:
    with pytest.raises(NotWeightsError, match=r"holds no .npy array"):
        opened(mu.zipped(["a.txt"], [b"hi"]))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("compress", [False, True])
def test_memory_order_is_the_files(opened: Open, order: str, compress: bool) -> None:
    array = np.arange(24.0).reshape(2, 3, 4).copy(order=order)
    with opened(mu.zipped(["W.npy"], [npy(array)], compress)) as source:
        got = source.read("/W")
        np.testing.assert_array_equal(got, array)
        assert got.flags.f_contiguous == (order == "F")
        assert got.flags.writeable
        assert got.flags.owndata


def test_ten_thousand_entries_in_one_link_take_no_time(opened: Open) -> None:
    names = [f"{'w' if i % 2 else 'mean_'}{i}.npy" for i in range(10_000)]
    data = mu.zipped(names, [W] * len(names))
    began = time.perf_counter()
    with opened(data) as source:
        assert len(source.listing) == 10_000
    assert time.perf_counter() - began < 10  # it is 1; a loop in a loop took minutes
