"""Mean files against google.protobuf."""

from __future__ import annotations

from pathlib import Path

import caffe_encoder as enc
import numpy as np
import pytest

from chainer_ft.errors import FormatError, TruncatedError
from chainer_ft.formats.binaryproto import LOADER
from chainer_ft.types import Entry


def written(folder: Path, data: bytes) -> str:
    path = folder / "mean.binaryproto"
    path.write_bytes(data)
    return str(path)


IMAGE = np.linspace(0, 255, 3 * 4 * 5, dtype="f4").reshape(3, 4, 5)


def test_every_real_file_equals_protobufs_reading(shared: Path) -> None:
    files = sorted(shared.rglob("*.binaryproto"))
    assert len(files) >= 2
    for path in files:
        wanted = enc.array_of(enc.parse("BlobProto", path.read_bytes()))[0]
        with LOADER.open(str(path)) as source:
            (entry,) = source.listing
            assert (entry.path, entry.kind, entry.shape) == ("/mean", "persistent", wanted.shape)
            np.testing.assert_array_equal(source.read("/mean"), wanted)
            blocks = [block.copy() for block in source.blocks("/mean")]
            np.testing.assert_array_equal(np.concatenate(blocks), wanted.ravel())
            assert "B, G, R" in source.notes[0]


def test_only_such_files_are_recognised(shared: Path) -> None:
    for path in shared.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                confidence = LOADER.detect(file.read(4096), str(path))
            assert confidence == (0.9 if path.suffix == ".binaryproto" else 0.0), path


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (enc.blob(IMAGE, legacy=True), (3, 4, 5)),
        (enc.blob(IMAGE), (3, 4, 5)),
        (enc.blob(IMAGE[None]), (3, 4, 5)),
        (enc.blob(IMAGE, double=True), (3, 4, 5)),
        (enc.blob(IMAGE, legacy=True, packing="mixed", diff=True), (3, 4, 5)),
        (enc.blob(IMAGE[:, 0, 0]), (3,)),
        (enc.blob(np.stack([IMAGE, IMAGE])), (2, 3, 4, 5)),
    ],
)
def test_every_spelling(tmp_path: Path, data: bytes, shape: tuple[int, ...]) -> None:
    path = written(tmp_path, data)
    assert LOADER.detect(data[:4096], path) == 0.9
    with LOADER.open(path) as source:
        array = source.read("/mean")
        assert array.shape == shape
        wanted = enc.array_of(enc.parse("BlobProto", data))
        assert array.dtype == wanted.dtype
        np.testing.assert_array_equal(array.ravel(), wanted.ravel())


def test_the_leading_one_is_taken_off_and_said(tmp_path: Path) -> None:
    with LOADER.open(written(tmp_path, enc.blob(IMAGE, legacy=True))) as source:
        assert source.listing.entries == (
            Entry(
                "/mean",
                (3, 4, 5),
                np.dtype("f4"),
                "persistent",
                transforms=("shape (1, 3, 4, 5) in the file",),
            ),
        )
        for reader in (source.read, source.blocks):
            with pytest.raises(KeyError):
                reader("/other")


def test_a_truncated_file(tmp_path: Path) -> None:
    data = enc.blob(IMAGE, legacy=True)
    path = written(tmp_path, data[:100])
    assert LOADER.detect(data[:100], path) == 0.6
    with pytest.raises(TruncatedError, match=rf"ends at byte 100 of {len(data)} \(the mean\)"):
        LOADER.open(path)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (enc.blob(IMAGE, legacy=True) + enc.floats(5, [1.0]), "60 numbers, but 61 are stored"),
        (enc.number(1, 1) + enc.number(2, 3), r"no numbers, but the shape \(1, 3, 0, 0\)"),
        (b"".join(enc.number(i, 1000) for i in (1, 2, 3, 4)), "is 1000000000000 numbers, but 0"),
    ],
)
def test_damage_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        LOADER.open(written(tmp_path, data))


def test_onnx_and_solver_states_are_not_claimed(tmp_path: Path) -> None:
    onnx = enc.number(1, 8) + enc.text(2, "pytorch")
    state = enc.number(1, 5) + enc.text(2, "net.caffemodel") + enc.message(3, enc.blob(IMAGE))
    path = tmp_path / "other"
    for data in (onnx, state, b"", b"* a list in a text"):
        path.write_bytes(data)
        assert LOADER.detect(data[:4096], str(path)) == 0.0
