"""Headers of ``.npy`` arrays: what NumPy writes is read alike, the rest is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainer_ft.errors import ChainerFTError, FormatError, UnsafeError
from chainer_ft.formats import npy


def head_of(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, min_side=0)), st.booleans())
def test_what_numpy_writes(array: np.ndarray, fortran: bool) -> None:
    data = head_of(np.asfortranarray(array) if fortran and array.ndim else array)
    if array.dtype.itemsize == 0:
        return
    header = npy.parse_header(data, "a")
    assert (header.dtype, header.shape) == (array.dtype, array.shape)
    assert header.nbytes == array.nbytes == len(data) - header.data_offset
    assert npy.empty(header, "a").flags.f_contiguous == np.load(io.BytesIO(data)).flags.f_contiguous


@settings(max_examples=500)
@given(st.binary(max_size=200), st.sampled_from([1, 2, 3]))
def test_anything_else_is_an_error_of_ours(text: bytes, version: int) -> None:
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    with pytest.raises(ChainerFTError):
        npy.parse_header(npy.MAGIC + bytes([version, 0]) + size + text, "a")


def test_records() -> None:
    array = np.zeros(2, [("a", "<i4"), ("b", "<f8", (2,))])
    assert npy.parse_header(head_of(array), "a").dtype == array.dtype


def test_a_header_of_version_2_and_3() -> None:
    for name in ("n" * 70_000, "名"):
        dtype = np.dtype([(name, "<f4")])
        with pytest.warns(UserWarning, match="in format [23]"):
            data = head_of(np.zeros(2, dtype))
        if len(name) > 1:
            with pytest.raises(UnsafeError, match="declares a header of"):
                npy.header_length(data[:12], "a")
        else:
            assert npy.parse_header(data, "a").dtype == dtype


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"", "no magic"),
        (b"\x93NUMP", "no magic"),
        (b"\x93NUMPY\x04\x00\x00\x00", r"version 4\.0 is unknown"),
        (b"\x93NUMPY\x01\x07\x00\x00", r"version 1\.7 is unknown"),
        (b"\x93NUMPY\x02\x00\x00\x00\x00\xff", "declares a header of 4278190092 bytes"),
        (b"\x93NUMPY\x01\x00\x76\x00{", "the header ends at byte 11 of 128"),
    ],
)
def test_no_header(head: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=f"^a: .*{said}"):
        npy.parse_header(head, "a")
