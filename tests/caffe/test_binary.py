"""The binary format: Caffe's own files come back byte for byte."""

from __future__ import annotations

from pathlib import Path

import caffe_encoder as encoder
import numpy as np
import pytest
from any_message import KINDS, messages
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.caffe.binary_reader import read_binary
from chainer_ft.caffe.prototxt import Message, read_message, read_net, to_binary, write_binary
from chainer_ft.caffe.schema import message_type
from chainer_ft.errors import FormatError

MODELS = ["snap_iter_5", "snap_iter_12", "sv_adam_iter_10"]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("suffix", "kind"), [("caffemodel", "NetParameter"), ("solverstate", "SolverState")]
)
def test_caffes_files_come_back_byte_for_byte(
    shared: Path, tmp_path: Path, name: str, suffix: str, kind: str
) -> None:
    path = shared / "caffe/golden/files" / f"{name}.{suffix}"
    write_binary(read_message(path, kind), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_solverstate(shared: Path) -> None:
    state = read_message(shared / "caffe/golden/files/snap_iter_5.solverstate", "SolverState")
    assert (state.iter, len(state.history)) == (5, 4)
    assert state.history[0].data.dtype == np.float32


@given(st.sampled_from(KINDS).flatmap(lambda name: messages(message_type(name))))
def test_what_is_written_is_read(message: Message) -> None:
    assert read_binary(to_binary(message), message.kind.name) == message


def test_floats_packed_unpacked_and_mixed() -> None:
    for packing in ("packed", "unpacked", "mixed"):
        blob = read_binary(encoder.blob([1.5, 2, 3, 4], packing=packing), "BlobProto")
        np.testing.assert_array_equal(blob.data, [1.5, 2, 3, 4])
        assert blob.shape.dim == [4]


def test_negative_numbers_and_last_value_wins() -> None:
    data = encoder.number(1, 3) + encoder.number(1, -2)
    assert read_binary(data, "SolverState").iter == -2


def test_a_fork_that_uses_a_number_otherwise() -> None:
    """SegNet's 138 is a message with a string at 1; Caffe's, TileParameter, has a number there."""
    extra = encoder.message(138, encoder.text(1, "train.txt"))
    net = encoder.net(encoder.layer_v2("d", "DenseImageData", extra=extra))
    layer = read_binary(net, "NetParameter").layer[0]
    assert layer.tile_param.unknown[0].value == b"train.txt"
    assert not layer.tile_param.has("axis")


def test_weights_are_skipped(shared: Path) -> None:
    net = read_net(shared / "caffe/golden/files/snap_iter_5.caffemodel")
    assert not any(layer.has("blobs") for layer in net.layer)


def test_hdf5_holds_no_net(shared: Path) -> None:
    with pytest.raises(FormatError, match="HDF5"):
        read_net(shared / "caffe/golden/files/snaph_iter_5.caffemodel.h5")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_binary(data, "NetParameter", "fuzz")
    except FormatError as error:
        assert "fuzz" in str(error)
