"""What a Caffe net says of its input, and what is made of what it leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torture

import chainer_ft as ft
from chainer_ft.caffe.data.transform import read_mean, read_transform
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import parse_net, write_binary
from chainer_ft.errors import FormatError, UsageError
from chainer_ft.images import Picture, caffe_input


def net(data: str) -> Message:
    return parse_net(f"layer {{ name: 'in' top: 'data' {data} }}", "net.prototxt")


def mean_file(path: Path, mean: np.ndarray) -> Path:
    channels, height, width = mean.shape
    sizes = {"num": 1, "channels": channels, "height": height, "width": width}
    write_binary(Message("BlobProto", data=mean.ravel().tolist(), **sizes), path)
    return path


class TestReal:
    def test_a_deploy_net_knows_its_shape_alone(self, shared: Path) -> None:
        made = caffe_input(shared / "data/caffe/cifar10_quick_v1_everpeace/cifar10_quick.prototxt")
        own = made.preprocessing
        assert (own.shape, own.channels, own.scale, own.mean) == ((3, 32, 32), "BGR", 1.0, (0.0,))
        assert made.notes == ()

    def test_one_channel(self, shared: Path) -> None:
        made = caffe_input(shared / "data/caffe/lenet_v2_ethereon/lenet.prototxt")
        assert made.preprocessing.shape == (1, 28, 28)

    def test_a_mean_that_is_not_there_is_said(self, shared: Path) -> None:
        path = shared / "data/caffe/cifar10_quick_v1_everpeace/cifar10_quick_train_test.prototxt"
        with pytest.raises(
            UsageError, match="does not say how large its images are; give the size"
        ):
            caffe_input(path)
        made = caffe_input(path, size=(32, 32))
        assert len(made.notes) == 1
        assert "no mean is subtracted: examples/cifar10/mean.binaryproto" in made.notes[0]

    def test_the_mean_of_imagenet(self, shared: Path) -> None:
        mean = shared / "data/caffe/ilsvrc_mean/ilsvrc_2012_mean.binaryproto"
        made = caffe_input(net("type: 'Data' transform_param { crop_size: 227 }"), mean_file=mean)
        own = made.preprocessing
        assert own.crop == 227 / 256 and own.squash and made.notes == ()
        np.testing.assert_array_equal(
            np.array(own.mean, np.float32).reshape(3, 227, 227),
            read_mean(str(mean))[:, 14:241, 14:241],
        )
        assert "mean=<154587 numbers about 113.9>, " in repr(own)

    def test_kept_in_a_weights_file(self, shared: Path, tmp_path: Path) -> None:
        import chainer

        mean = shared / "data/caffe/ilsvrc_mean/ilsvrc_2012_mean.binaryproto"
        text = "type: 'Data' transform_param { crop_size: 227 }"
        own = caffe_input(net(text), mean_file=mean).preprocessing
        file = tmp_path / "model.npz"
        ft.save(file, chainer.links.Linear(2, 2), provenance={"preprocessing": own.to_dict()})
        with ft.open(file) as source:
            assert source.provenance is not None
            kept = type(own).from_dict(source.provenance["preprocessing"])
        assert kept == own


class TestTransform:
    def test_gives_what_caffe_would(self, tmp_path: Path) -> None:
        """To the bit, for an image that is as large as the mean image."""
        mean = np.random.default_rng(0).uniform(90, 130, (3, torture.HIGH, torture.WIDE))
        file = mean_file(tmp_path / "mean.binaryproto", mean.astype(np.float32))
        message = net(f"type: 'Data' transform_param {{ scale: 0.0078125 mean_file: '{file}' }}")
        own = caffe_input(message).preprocessing
        pixels = torture.pattern()
        bgr = pixels[..., ::-1].transpose(2, 0, 1)
        transform = read_transform(message.layer[0].transform_param, train=False)
        np.testing.assert_array_equal(own.apply(Picture.of(pixels, "x")), transform(bgr, None, "x"))

    def test_another_size_takes_the_channels_means(self, tmp_path: Path) -> None:
        mean = np.stack([np.full((8, 8), value, np.float32) for value in (10, 20, 30)])
        file = mean_file(tmp_path / "mean.binaryproto", mean)
        made = caffe_input(net("type: 'Data'"), mean_file=file, size=(4, 4))
        assert made.preprocessing.mean == (10.0, 20.0, 30.0)
        assert made.notes == ("of the 8x8 mean image each channel's mean is used",)

    @pytest.mark.parametrize(
        ("data", "shape", "notes"),
        [
            ("type: 'Data' transform_param { crop_size: 224 }", (3, 224, 224), 1),
            ("type: 'Data' transform_param { crop_size: 20 }", (3, 20, 20), 0),
            (
                "type: 'ImageData' "
                "image_data_param { new_height: 40 new_width: 50 is_color: false }",
                (1, 40, 50),
                0,
            ),
            ("type: 'Data' transform_param { crop_size: 8 force_gray: true }", (1, 8, 8), 0),
            ("type: 'Data' transform_param { crop_size: 8 mean_value: 9 }", (3, 8, 8), 0),
            (
                "type: 'MemoryData' memory_data_param { channels: 1 height: 7 width: 6 }",
                (1, 7, 6),
                0,
            ),
            ("type: 'Input' input_param { shape { dim: [1, 3, 5, 4] } }", (3, 5, 4), 0),
        ],
    )
    def test_every_way_to_say_the_shape(
        self, data: str, shape: tuple[int, int, int], notes: int
    ) -> None:
        made = caffe_input(net(data))
        assert made.preprocessing.shape == shape
        assert len(made.notes) == notes

    def test_the_phase_that_is_not_training_counts(self) -> None:
        phases = [
            f"layer {{ name: '{phase}' type: 'Data' include {{ phase: {phase} }} "
            f"transform_param {{ crop_size: {side} }} }}"
            for phase, side in (("TRAIN", 10), ("TEST", 12))
        ]
        made = caffe_input(parse_net(" ".join(phases), "net.prototxt"))
        assert made.preprocessing.size == (12, 12)

    def test_weights_know_the_channels(self) -> None:
        made = caffe_input(net("type: 'Data'"), size=(28, 28), depth=1)
        assert made.preprocessing.channels == "L"

    def test_a_mean_file_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "mean.binaryproto").write_bytes(b"no mean")
        with pytest.raises(FormatError, match=r"mean\.binaryproto"):
            caffe_input(net("type: 'Data'"), size=(4, 4), mean_file=tmp_path / "mean.binaryproto")


def test_a_net_without_a_data_layer() -> None:
    with pytest.raises(UsageError, match="does not say how large"):
        caffe_input(net("type: 'Convolution' bottom: 'data'"))
