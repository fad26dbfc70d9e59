"""The wire reader against google.protobuf and against lies."""

from __future__ import annotations

import struct
import time

import caffe_encoder as enc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import FormatError, TruncatedError, UnsafeError
from chainer_ft.formats.wire import MAX_RECORDS, Wire, signed


def read(data: bytes, cut: bool = False):
    wire = Wire(memoryview(data), "f.bin")
    return list(wire.records(0, len(data), "the message", cut=cut))


@given(st.integers(-(2**63), 2**64 - 1))
def test_a_varint_comes_back(value: int) -> None:
    (record,) = read(enc.number(3, value))
    assert record.field == 3
    assert record.value == value % 2**64


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_numbers_are_read_as_protobuf_does(value: int) -> None:
    (record,) = read(enc.number(1, value))
    assert signed(record.value, 64) == value
    low = struct.unpack("<i", struct.pack("<I", value % 2**32))[0]
    assert signed(record.value, 32) == low


@given(st.lists(st.integers(0, 3), max_size=40))
def test_every_wire_type_is_walked_over(kinds: list[int]) -> None:
    forms = [enc.number(9, 300), enc.text(5, b"abc"), b"\x35abcd", b"\x49abcdefgh"]
    records = read(b"".join(forms[kind] for kind in kinds))
    fields = [field for r in records for field in [r.field] * r.repeats]
    assert fields == [(9, 5, 6, 9)[kind] for kind in kinds]


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 66, 5000, 200_000])
@pytest.mark.parametrize("after", [b"", b"\x08\x01", b"\x2a\x00", b"\x2d\0\0\x80\x3f\x08\x01"])
def test_a_run_of_unpacked_floats_is_one_record(count: int, after: bytes) -> None:
    run, *rest = read(enc.floats(5, [1.5] * count, "unpacked") + after)
    longer = after.startswith(b"\x2d")
    assert (run.repeats, run.start, run.end) == (count + longer, 1, 5 * (count + longer))
    assert len(rest) == bool(after.strip(b"\x2d"))


def test_a_run_ends_where_its_message_ends() -> None:
    data = enc.message(1, enc.floats(5, [1.0] * 3, "unpacked")) + enc.floats(5, [2.0], "unpacked")
    wire = Wire(memoryview(data), "f.bin")
    inner, _ = wire.records(0, len(data), "outer")
    (run,) = wire.records(inner.start, inner.end, "inner")
    assert run.repeats == 3


def test_fields_of_two_spans_are_one_message() -> None:
    data = enc.message(4, enc.number(1, 5)) + enc.message(4, enc.number(1, 6))
    wire = Wire(memoryview(data), "f.bin")
    merged = wire.fields(wire.records(0, len(data), "outer"), "inner")
    assert [r.value for r in merged[1]] == [5, 6]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x0b", "unknown wire type 3"),
        (b"\x0c", "unknown wire type 4"),
        (b"\x0f", "unknown wire type 7"),
        (b"\x00\x01", "no field has the number 0"),
        (b"\x08" + b"\x80" * 10 + b"\x01", "more than ten bytes"),
        (b"\xff" * 9 + b"\x01\x00", "no field has the number"),
    ],
)
def test_what_is_no_protobuf_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read(data)
    assert "f.bin: the message" in str(caught.value)
    assert "at byte" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "promised"),
    [
        (b"\x0a\x05abc", 7),
        (b"\x0d\x01\x02", 5),
        (b"\x09\x01\x02", 9),
        (b"\x08\x80", 3),
        (b"\x8a", 2),
        (b"\x0a\xff\xff\xff\xff\x7f", 6 + 2**35 - 1),
    ],
)
def test_a_message_that_ends_early_says_where(data: bytes, promised: int) -> None:
    with pytest.raises(TruncatedError, match=rf"ends at byte {len(data)} of {promised}\b"):
        read(data)


def test_a_field_that_leaves_its_message_is_damage_not_truncation() -> None:
    data = enc.message(1, b"\x0a\x09abc") + enc.number(2, 1)
    wire = Wire(memoryview(data), "f.bin")
    outer = next(wire.records(0, len(data), "outer"))
    with pytest.raises(FormatError, match="beyond byte 7") as caught:
        wire.fields([outer], "inner")
    assert not isinstance(caught.value, TruncatedError)


def test_the_head_of_a_file_may_be_cut() -> None:
    name, rest = read(enc.text(1, "n") + b"\x0a\x7fabc", cut=True)
    assert (name.end, rest.start, rest.end) == (3, 5, 8)


@pytest.mark.parametrize("piece", [b"\xa2\x06\x00", b"\x08\x00", b"\xad\x00abcd"])
def test_ten_million_tiny_fields_stay_cheap(piece: bytes) -> None:
    data = piece * 10_000_000
    start = time.process_time()
    wire = Wire(memoryview(data), "f.bin")
    with pytest.raises(UnsafeError, match=f"{MAX_RECORDS} fields"):
        for _ in wire.records(0, len(data), "the message"):
            pass
    assert time.process_time() - start < 5


@given(st.binary(max_size=64))
def test_any_bytes_are_records_or_an_error(data: bytes) -> None:
    try:
        records = read(data)
    except FormatError:
        return
    assert not records or records[-1].end == len(data)


def test_bytes_that_are_no_text_stay_readable() -> None:
    wire = Wire(memoryview(enc.text(1, b"caf\xe9")), "f.bin")
    (record,) = wire.records(0, 6, "the message")
    assert wire.text(record) == "caf\\xe9"


def test_a_name_has_a_limit() -> None:
    data = enc.text(1, b"n" * 5000)
    wire = Wire(memoryview(data), "f.bin")
    (record,) = wire.records(0, len(data), "the message")
    with pytest.raises(FormatError, match=r"f\.bin: field 1: a name of 5000 bytes at byte 3"):
        wire.text(record)
