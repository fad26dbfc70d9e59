"""Arrays of every dtype, order, protocol and spelling; and arrays that are none."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import assembler as asm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainer_ft.errors import FormatError
from chainer_ft.formats.pickled.arrays import ArrayRef, Arrays, NoArray
from chainer_ft.formats.pickled.machine import Machine

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
    hnp.byte_string_dtypes(min_len=1, max_len=9),
    hnp.unicode_string_dtypes(min_len=1, max_len=9, endianness="?"),
    hnp.array_dtypes(
        subtype_strategy=hnp.scalar_dtypes().filter(lambda d: d.kind not in "mM"), max_size=3
    ).filter(lambda d: all(len(field) == 2 for field in d.fields.values())),  # no titles
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)


def found(data: bytes, pick: Any = lambda record: record) -> ArrayRef | NoArray | None:
    return Arrays(data, "x.pkl").find(pick(Machine(data, "x.pkl").run()))


def read(tmp_path: Path, data: bytes, path: str = "/array") -> np.ndarray:
    from chainer_ft.formats.pickled.loader import open_pickle

    file = tmp_path / "x.pkl"
    file.write_bytes(data)
    with open_pickle(str(file)) as source:
        array = source.read(path)
        entry = source.listing[path]
        assert (array.shape, array.dtype) == (entry.shape, entry.dtype)
        pieces = [piece.tobytes() for piece in source.blocks(path)] if array.size else []
        assert b"".join(pieces) == array.tobytes()
        return array


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arrays")


@given(hnp.arrays(DTYPES, SHAPES), st.integers(0, 5), st.sampled_from("CFS"), st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_array(
    folder: Path, array: np.ndarray, protocol: int, order: str, is_old: bool
) -> None:
    """As NumPy 2 writes it, and as NumPy 1 called the same functions."""
    is_strided = order == "S" and array.ndim
    stored = array[..., ::2] if is_strided else array.copy("F" if order == "F" else "C")
    data = pickle.dumps(stored, protocol)
    if is_old and protocol < 4:
        data = data.replace(b"numpy._core", b"numpy.core")
    result = read(folder, data)
    assert (result.shape, result.dtype) == (stored.shape, stored.dtype)
    assert result.tobytes() == stored.tobytes()
    assert result.flags.writeable and result.flags.aligned


@given(st.floats(), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_any_scalar(folder: Path, number: float, protocol: int) -> None:
    for value in (np.float64(number), np.float32(1.5), np.int64(-3), np.bool_(True)):
        result = read(folder, pickle.dumps([value], protocol), "/0")
        assert (result.shape, result.dtype) == ((), value.dtype)
        assert result.tobytes() == value.tobytes()


@pytest.mark.parametrize("protocol", range(6))
def test_kinds_of_arrays(folder: Path, protocol: int) -> None:
    """Subclasses are read as what they are made of; masks and objects are not read."""
    matrix = np.arange(4.0).view(np.ndarray).reshape(2, 2).view(np.matrix)
    assert read(folder, pickle.dumps(matrix, protocol)).tolist() == [[0, 1], [2, 3]]
    records = np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])
    assert found(pickle.dumps(records, protocol)).dtype.names == ("a", "b")
    objects = found(pickle.dumps(np.array([None, {}]), protocol))
    assert isinstance(objects, NoArray)
    assert "object array" in objects.why and objects.shape == (2,)
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    assert found(pickle.dumps(masked, protocol)) is None
    titled = found(pickle.dumps(np.zeros(1, [(("title", "a"), "i4")]), protocol))
    assert isinstance(titled, NoArray) and "unknown dtype" in titled.why
    days = found(pickle.dumps(np.array(["2015-12-01"], "M8[D]"), protocol))
    assert isinstance(days, NoArray) and "unknown dtype" in days.why


ARRAY = asm.array(np.array([1.5, -2.0], "<f4").tobytes())
WRAPPED = {
    **{
        f"{module}.{name}": asm.call(asm.name(module, name), ARRAY)
        for module, name in [
            ("cupy.core.core", "array"),
            ("cupy._core.core", "array"),
            ("cupy.core.core", "_ndarray_from_numpy"),
            ("cupy.creation.from_data", "array"),
            ("chainer.cuda", "_reconstruct"),
            ("chainer.variable", "Variable"),
            ("chainer.variable", "Parameter"),
            ("chainer.variable", "_create_variable"),
            ("chainer.variable", "_recover_parameter"),
        ]
    },
    "a variable on a device": asm.parameter(asm.call(asm.name("cupy.core.core", "array"), ARRAY)),
    "chainerx": asm.name("chainerx", "ndarray") + b")\x81" + asm.tuple_(ARRAY, asm.NONE) + b"b",
    "chainerx, protocol 0": asm.call(
        asm.name("copy_reg", "_reconstructor"), asm.name("chainerx", "ndarray"), asm.NONE, asm.NONE
    )
    + asm.tuple_(ARRAY, asm.NONE)
    + b"b",
    "dill": asm.call(
        asm.name("dill._dill", "_create_array"),
        asm.name("numpy.core.multiarray", "_reconstruct"),
        asm.tuple_(asm.name("numpy", "ndarray"), asm.tuple_(asm.integer(0)), asm.raw(b"b")),
        asm.tuple_(
            asm.integer(1),
            asm.tuple_(asm.integer(2)),
            asm.dtype(),
            b"\x89",
            asm.raw(np.array([1.5, -2.0], "<f4").tobytes()),
        ),
        asm.NONE,
    ),
}


@pytest.mark.parametrize("key", WRAPPED)
def test_every_wrapper(folder: Path, key: str) -> None:
    data = b"\x80\x02" + WRAPPED[key] + asm.STOP
    assert read(folder, data).tolist() == [1.5, -2.0]


def test_variables_without_an_array() -> None:
    for value in (asm.NONE, asm.integer(3), asm.list_()):
        data = b"\x80\x02" + asm.parameter(value) + asm.STOP
        record = Machine(data, "x.pkl").run()
        arrays = Arrays(data, "x.pkl")
        assert arrays.find(record) is None
        assert arrays.is_variable(record)


FOUR = asm.raw(b"\0" * 16)
PAYLOADS = {
    "text": asm.call(asm.name("_codecs", "encode"), asm.text("\0" * 8), asm.text("latin1")),
    "raw unicode": asm.call(
        asm.name("_codecs", "encode"), b"V" + b"\\u0000" * 8 + b"\n", asm.text("latin-1")
    ),
    "escaped": b"S'" + b"\\x00" * 8 + b"'\n",
    "python 2": b"U\x08" + b"\0" * 8,
    "bytearray": asm.call(asm.name("builtins", "bytearray"), asm.raw(b"\0" * 8)),
    "bytearray8": b"\x96" + (8).to_bytes(8, "little") + b"\0" * 8,
}


@pytest.mark.parametrize("key", PAYLOADS)
def test_every_payload(folder: Path, key: str) -> None:
    data = b"\x80\x02" + asm.array(payload=PAYLOADS[key]) + asm.STOP
    assert read(folder, data).tolist() == [0, 0]


def test_no_numbers_at_all(folder: Path) -> None:
    none = asm.call(asm.name("__builtin__", "bytes"))
    data = b"\x80\x02" + asm.array(shape=asm.tuple_(asm.integer(0)), payload=none) + asm.STOP
    assert read(folder, data).shape == (0,)


SIZES = [asm.integer(n) for n in (-2, 1 << 62, 1 << 70)]
DAMAGED = {
    "shape": "impossible shape",
    **{f"size {i}": "impossible shape" for i in range(len(SIZES))},
    "too few bytes": r"shape \(3,\) of float32 is 12 bytes, but 8 are stored",
    "too many bytes": r"shape \(1,\) of float32 is 4 bytes, but 8 are stored",
    "bytes that are a number": "numbers are no bytes",
    "another codec": "numbers are no bytes",
    "no state": "without its state",
    "a list as its state": "without its state",
    "_frombuffer of three": "four arguments",
    "scalar of one": "a dtype and bytes",
}


def damaged(key: str) -> bytes:
    rot = asm.call(asm.name("_codecs", "encode"), asm.text("\0" * 8), asm.text("rot13"))
    reconstruct = asm.call(asm.name("numpy.core.multiarray", "_reconstruct"))
    return {
        "shape": asm.array(shape=asm.tuple_(asm.TRUE, asm.integer(2))),
        **{f"size {i}": asm.array(shape=asm.tuple_(size)) for i, size in enumerate(SIZES)},
        "too few bytes": asm.array(shape=asm.tuple_(asm.integer(3))),
        "too many bytes": asm.array(shape=asm.tuple_(asm.integer(1))),
        "bytes that are a number": asm.array(payload=asm.integer(1)),
        "another codec": asm.array(payload=rot),
        "no state": reconstruct,
        "a list as its state": reconstruct + asm.list_() + b"b",
        "_frombuffer of three": asm.call(asm.name("numpy.core.numeric", "_frombuffer")),
        "scalar of one": asm.call(asm.name("numpy.core.multiarray", "scalar"), asm.dtype()),
    }[key]


@pytest.mark.parametrize("key", DAMAGED)
def test_damage_is_named(key: str) -> None:
    data = b"\x80\x02" + damaged(key) + asm.STOP
    with pytest.raises(FormatError, match=rf"x\.pkl: damaged pickle at byte \d+: .*{DAMAGED[key]}"):
        found(data)
    quiet = Arrays(data, "x.pkl").find_quietly(Machine(data, "x.pkl").run())
    assert isinstance(quiet, NoArray)


def test_text_that_is_no_bytes(folder: Path) -> None:
    """As long as it should be in the stream, and not so when it is decoded."""
    for text in ("\0" * 6 + "\xff", "\u3042" * 3, "\0" * 9):
        payload = asm.call(asm.name("_codecs", "encode"), asm.text(text), asm.text("latin1"))
        with pytest.raises(FormatError, match=r"x\.pkl::/array: its bytes|damaged pickle"):
            read(folder, b"\x80\x02" + asm.array(payload=payload) + asm.STOP)
