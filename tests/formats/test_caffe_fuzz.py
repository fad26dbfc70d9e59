"""Damaged Caffe files: a right answer or an error of ours, quickly, in little memory."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import caffe_encoder as enc
import h5py
import numpy as np
import pytest
from limits import memory_below

from chainer_ft.errors import ChainerFTError, TruncatedError
from chainer_ft.formats import binaryproto, caffe_hdf5, caffe_other, caffemodel
from chainer_ft.types import SourceLoader

Arrays = dict[str, np.ndarray]
COUNT = 20_000
SECONDS = 2.0
# What an answer may cost beyond the file: entries and their names, never arrays that are not there.
BYTES_MORE = 4 << 20
HOSTILE = [
    *(n.to_bytes(8, "little") for n in (0, 1 << 31, 1 << 40, 2**63, 2**64 - 1)),
    *(enc.varint(n) for n in (0, 127, 10**9, 2**31, 2**62, 2**64 - 1)),
    b"\xff" * 12,
    b"\x0b",
    b"\x2d",
]


def blobs(**how: object) -> list[bytes]:
    values = np.arange(12, dtype="f4") + 1
    return [enc.blob(values.reshape(3, 4), **how), enc.blob(values[:3], **how)]


def seeds() -> dict[str, bytes]:
    vector = [enc.blob(np.arange(4, dtype="f4"))] * 2
    norm = enc.layer_v2("bn", "BatchNorm", [*vector, enc.blob([2.0])], ["a"], ["b"])
    return {
        "v0": enc.net(
            enc.layer_v0("fc", "innerproduct", blobs(legacy=True), ["data"], ["fc"]),
            enc.layer_v0("relu", "relu"),
            enc.layer_v0("fd", "innerproduct", blobs(legacy=True, packing="mixed")),
        ),
        "v1": enc.net(
            enc.layer_v1("fc", 14, blobs(legacy=True, diff=True), ["data"], ["fc"]),
            enc.layer_v1("relu", 18, [], ["fc"], ["fc"]),
            enc.layer_v1("odd", 77, blobs(packing="unpacked", double=True)),
        ),
        "v2": enc.net(
            enc.layer_v2("fc", "InnerProduct", blobs(), ["data"], ["fc"]),
            norm,
            enc.layer_v2("sc", "Scale", vector, ["b"], ["c"]),
            enc.layer_v2("odd", "Odd", blobs(packing="mixed", shape_first=True)),
        ),
    }


def mutated(seed: bytes, rng: random.Random) -> bytes:
    """One to three of: an end cut off, bits flipped, a size put in, a piece of it elsewhere."""
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at, other = (rng.randrange(len(data)) if data else 0 for _ in range(2))
        kind = rng.randrange(5)
        if kind == 0:
            del data[at:]
        elif kind == 1:
            for _ in range(rng.randrange(1, 5)):
                if data:
                    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == 2:
            lie = rng.choice(HOSTILE)
            data[at : at + len(lie)] = lie
        elif kind == 3:
            data[at:at] = rng.choice(HOSTILE)
        else:
            data[at:at] = data[other : other + rng.randrange(1, 80)]
    return bytes(data)


def answer(loader: SourceLoader, path: Path) -> Arrays | None:
    """The arrays of a file, or nothing where it is refused; any other exception is a failure."""
    try:
        with loader.open(str(path)) as source:
            arrays = {}
            for entry in source.listing:
                arrays[entry.path] = source.read(entry.path)
                assert arrays[entry.path].shape == entry.shape
                assert arrays[entry.path].dtype == entry.dtype
            return arrays
    except ChainerFTError as error:
        assert str(path) in str(error)
        return None


def run(
    loader: SourceLoader,
    seed: bytes,
    path: Path,
    right: Callable[[bytes, Arrays], None],
) -> int:
    """Try ``COUNT`` damaged files; returns how many gave an answer."""
    answers = 0
    for number in range(COUNT):
        data = mutated(seed, random.Random(number))
        path.write_bytes(data)
        start = time.process_time()
        if number % 10 == 0:
            loader.detect(data[:4096], str(path))
            caffe_other.describe(data[:4096], str(path))
        arrays = measured(loader, path, len(seed)) if number % 50 == 0 else answer(loader, path)
        assert time.process_time() - start < SECONDS, number
        if arrays is not None:
            right(data, arrays)
            answers += 1
    return answers


def measured(loader: SourceLoader, path: Path, size: int) -> Arrays | None:
    """An answer, and how much memory it took; measuring is slow, so this is done now and then."""
    with memory_below(4 * size + BYTES_MORE):
        return answer(loader, path)


def equals_protobuf(data: bytes, arrays: Arrays) -> None:
    """As many numbers as protobuf finds, wherever protobuf reads the file at all."""
    try:
        parsed = enc.parse("NetParameter", data)
    except Exception:  # protobuf is stricter about what is skipped
        return
    found = [la.layer if la.HasField("layer") else la for la in parsed.layers]
    stored = [enc.array_of(blob) for la in [*found, *parsed.layer] for blob in la.blobs]
    factors = sum(path.endswith("/avg_mean") for path in arrays)
    assert len(arrays) == len(stored) - factors
    assert sum(a.size for a in arrays.values()) == sum(a.size for a in stored) - factors


@pytest.mark.parametrize("generation", ["v0", "v1", "v2"])
def test_damaged_nets(generation: str, scratch: Path) -> None:
    answers = run(caffemodel.LOADER, seeds()[generation], scratch, equals_protobuf)
    assert COUNT / 20 < answers < COUNT * 0.9


def test_damaged_means(scratch: Path) -> None:
    image = np.arange(60, dtype="f4").reshape(3, 4, 5)

    def right(data: bytes, arrays: Arrays) -> None:
        try:
            wanted = enc.array_of(enc.parse("BlobProto", data))
        except Exception:
            return
        np.testing.assert_array_equal(arrays["/mean"].ravel(), wanted.ravel())

    seed = enc.blob(image, legacy=True, packing="mixed")
    answers = run(binaryproto.LOADER, seed, scratch, right)
    assert COUNT / 20 < answers < COUNT * 0.9


@pytest.mark.slow
def test_damaged_hdf5(scratch: Path) -> None:
    layers = {"fc": [(3, 4), (3,)], "bn": [(3,), (3,), (1,)], "relu": []}
    with h5py.File(scratch, "w") as file:
        data = file.create_group("data")
        for name, shapes in layers.items():
            group = data.create_group(name)
            for i, shape in enumerate(shapes):
                packed = {"compression": "gzip"} if len(shape) > 1 else {}
                group.create_dataset(str(i), data=np.ones(shape, "f4"), **packed)
    seed = scratch.read_bytes()

    def right(data: bytes, arrays: Arrays) -> None:
        assert len(data) >= len(seed) or not seed.startswith(data)  # never for a mere truncation

    answers = run(caffe_hdf5.LOADER, seed, scratch, right)
    assert COUNT / 20 < answers < COUNT * 0.9


@pytest.mark.parametrize("generation", ["v0", "v1", "v2"])
def test_every_truncation_of_a_net(generation: str, scratch: Path) -> None:
    """Only an end between two layers looks whole, and then nothing of what is left is missing."""
    seed = seeds()[generation]
    whole = []
    for end in range(1, len(seed)):
        scratch.write_bytes(seed[:end])
        try:
            with caffemodel.LOADER.open(str(scratch)):
                whole.append(end)
        except TruncatedError as error:
            assert f"ends at byte {end} of " in str(error)
        except ChainerFTError as error:
            assert "no layers" in str(error)  # only the net's name is left
    ends, at = [], len(enc.net())
    while at < len(seed):
        at = _record_end(seed, at)
        ends.append(at)
    assert whole == ends[:-1]


def _record_end(data: bytes, at: int) -> int:
    """Where the field at an offset ends, told by protobuf: the shortest prefix that it accepts."""
    end = at + 1
    while True:
        try:
            enc.parse("NetParameter", data[at:end])
            return end
        except Exception:
            end += 1


def test_thirty_bytes_that_declare_a_billion(scratch: Path) -> None:
    dims = enc.message(7, enc.message(1, enc.varint(10**9)))
    for lie in (
        dims,
        enc.number(1, 10**9) + enc.number(2, 1) + enc.number(3, 1) + enc.number(4, 1),
    ):
        data = enc.layer_v2("a", "B", [lie])
        assert len(data) < 40
        scratch.write_bytes(data)
        assert answer(caffemodel.LOADER, scratch) is None


@pytest.mark.parametrize(
    "piece", [enc.message(100, b""), enc.layer_v2("a", "B", [enc.number(1, 0)]), b"\xa8\x06\x01"]
)
def test_ten_million_bytes_of_tiny_layers(piece: bytes, scratch: Path) -> None:
    scratch.write_bytes(piece * (10_000_000 // len(piece)))
    start = time.process_time()
    assert answer(caffemodel.LOADER, scratch) is None
    assert time.process_time() - start < 2 * SECONDS


def test_a_layer_of_tiny_blobs(scratch: Path) -> None:
    scratch.write_bytes(enc.layer_v2("a", "B", [enc.number(1, 0)] * 1_000_000))
    start = time.process_time()
    assert answer(caffemodel.LOADER, scratch) is None
    assert time.process_time() - start < 3 * SECONDS


def test_many_layers_of_one_name(scratch: Path) -> None:
    scratch.write_bytes(enc.layer_v2("a", "B", [enc.blob([1.0])]) * 20_000)
    start = time.process_time()
    arrays = answer(caffemodel.LOADER, scratch)
    assert arrays is not None
    assert len(arrays) == 20_000
    assert time.process_time() - start < 3 * SECONDS
