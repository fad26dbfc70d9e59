"""Whole nets: what real Caffe computed for small ones, and real weights on real images."""

from __future__ import annotations

from pathlib import Path

import chainer
import numpy as np
import pytest
from chainer import links
from chainer.links.caffe import CaffeFunction
from golden import GOLDEN

import chainer_ft as ft
from chainer_ft.caffe.fillers import fill
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import parse_net, read_net

SMALL = sorted(path.stem for path in (GOLDEN / "caffefunction_nets").glob("*.caffemodel"))
SAMPLES = "data/datasets/mnist_cifar_samples"


@pytest.mark.parametrize("name", SMALL)
def test_small_nets_equal_caffe(name: str) -> None:
    """From their weights alone."""
    net = Net(GOLDEN / "caffefunction_nets" / f"{name}.caffemodel")
    with np.load(GOLDEN / "caffefunction_nets.npz") as golden:
        x, wanted = golden["x"], golden[name]
    (out,) = net(x, ["out" if "out" in net.output_blobs else net.output_blobs[0]])
    assert out.shape == wanted.shape
    np.testing.assert_allclose(out.array, wanted, rtol=3e-5, atol=3e-6)


@pytest.fixture(scope="module")
def digits(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(shared / SAMPLES / "test.npz") as file:
        return file["x"].reshape(-1, 1, 28, 28).astype("f4"), file["y"]


@pytest.fixture(scope="module")
def cifar(shared: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """RGB, 0..255, without the mean of all 200 images."""
    data = {
        part: [
            np.load(shared / SAMPLES / f"cifar10-{part}-{kind}.npz")["arr_0"]
            for kind in ("data", "labels")
        ]
        for part in ("train", "test")
    }
    mean = np.concatenate([images for images, _ in data.values()]).mean(axis=0)
    return {part: (255 * (images - mean), labels) for part, (images, labels) in data.items()}


def accuracy(net: Net, blob: str, x: np.ndarray, labels: np.ndarray) -> float:
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        scores = [net({"data": x[i : i + 250]}, [blob])[0].array for i in range(0, len(x), 250)]
    return float((np.concatenate(scores).argmax(1) == labels).mean())


def test_fillers_do_not_run_where_weights_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, ...]] = []

    def note(filler: Message, shape: tuple[int, ...]) -> np.ndarray:
        shapes.append(shape)
        return fill(filler, shape)

    monkeypatch.setattr("chainer_ft.caffe.layers.base.fill", note)
    path = GOLDEN / "caffefunction_nets/conv_pad_hw.caffemodel"
    copied = Net(path)
    assert copied.c.W.array is not None and not shapes
    filled = Net(read_net(path))
    assert shapes == [filled.c.W.shape]


@pytest.mark.slow
def test_lenet(shared: Path, digits: tuple[np.ndarray, np.ndarray]) -> None:
    net = Net(shared / "data/caffe/lenet_v2_ethereon/lenet_iter_10000.caffemodel")
    assert accuracy(net, "ip2", digits[0] / 256, digits[1]) == 0.9914


@pytest.mark.slow
def test_simplenet(shared: Path, digits: tuple[np.ndarray, np.ndarray]) -> None:
    folder = shared / "data/caffe/simplenet_mnist_slim"
    net = Net(folder / "slimnet_fx_310k_iter_39000.caffemodel")
    x, labels = (digits[0][:1000] / 255 - 0.1307) / 0.3081, digits[1][:1000]
    assert accuracy(net, "ip1", x, labels) == 0.997


def test_cifar10_quick_from_hdf5(
    shared: Path, cifar: dict[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    folder = shared / "data/caffe/cifar10_h5_bxuan694"
    net = Net(folder / "cifar10_quick.prototxt")
    ft.copy(folder / "cifar10_quick_iter_5000.caffemodel.h5", net, strict=True)
    assert accuracy(net, "prob", *cifar["test"]) == 0.8
    assert accuracy(net, "prob", *cifar["train"]) == 0.81


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_cifar10_quick_v1(shared: Path, phase: str) -> None:
    """The net in the weights, and that of both prototxts with the weights, are one."""
    folder = shared / "data/caffe/cifar10_quick_v1_everpeace"
    weights = folder / "cifar10_quick_iter_4000.caffemodel"
    x = np.random.RandomState(0).randn(2, 3, 32, 32).astype("f4")
    wanted = Net(weights)(x, ["ip2"])[0].array
    for name in ("cifar10_quick_train_test", "cifar10_quick"):
        net = Net(folder / f"{name}.prototxt", phase=phase)
        ft.copy(weights, net, strict=True)
        np.testing.assert_array_equal(net(x, ["ip2"])[0].array, wanted)
    assert [b.lr_mult for b in net.params_in_order()] == [1, 2] * 5


def test_rfb_320(shared: Path) -> None:
    """Depthwise convolutions, numbers as names, SSD's Permute; prototxt and weights agree."""
    folder = shared / "data/caffe/ultraface"
    x = np.random.RandomState(0).randn(1, 3, 240, 320).astype("f4")
    alone, written = Net(folder / "RFB-320.caffemodel"), Net(folder / "RFB-320.prototxt")
    ft.copy(folder / "RFB-320.caffemodel", written, strict=True)
    results = [net(x, ["boxes", "scores"]) for net in (alone, written)]
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one.array, other.array)
    boxes, scores = results[0]
    assert boxes.shape == (1, 4420, 4) and scores.shape == (1, 4420, 2)
    np.testing.assert_allclose(scores.array.sum(2), 1, rtol=1e-5)


def test_waifu2x(shared: Path) -> None:
    """Equal to a hand-written chain with the same weights from Chainer's own file."""
    net = Net(shared / "data/caffe/waifu2x_vgg7/scale2.0x_model.json.caffemodel")
    x = np.random.RandomState(0).rand(1, 3, 24, 24).astype("f4")
    (y,) = net(x, ["conv7"])
    h = x
    for layer in net.layers:
        if layer.type == "Convolution":
            link = net[layer.name]
            h = chainer.functions.convolution_2d(h, link.W, link.b)
        elif layer.type == "ReLU":
            h = chainer.functions.leaky_relu(h, layer.relu_param.negative_slope)
    np.testing.assert_allclose(y.array, h.array, rtol=1e-5)


class TestCopies:
    def test_between_nets(self, shared: Path) -> None:
        path = shared / "data/caffe/simplenet_mnist_slim/slimnet_fx_310k_iter_39000.caffemodel"
        one, other = Net(path), Net(read_net(path))
        assert ft.copy(one, other, strict=True).coverage == 1
        for blob, twin in zip(one.params_in_order(), other.params_in_order(), strict=True):
            np.testing.assert_array_equal(blob.read(), twin.read())

    def test_a_net_goes_through_npz(self, shared: Path, tmp_path: Path) -> None:
        path = shared / "data/caffe/simplenet_mnist_slim/slimnet_fx_310k_iter_39000.caffemodel"
        one, other = Net(path), Net(read_net(path))
        chainer.serializers.save_npz(tmp_path / "net.npz", one)
        chainer.serializers.load_npz(tmp_path / "net.npz", other)
        third = Net(read_net(path))
        ft.copy(tmp_path / "net.npz", third, strict=True)
        for blob, *twins in zip(
            *(net.params_in_order() for net in (one, other, third)), strict=True
        ):
            for twin in twins:
                np.testing.assert_array_equal(blob.read(), twin.read())

    @pytest.mark.parametrize("name", ["conv_stride_w", "scale", "bn", "deconv_nogroup", "ip"])
    def test_with_a_caffe_function(self, name: str) -> None:
        """Out of one into a net, and back."""
        path = GOLDEN / "caffefunction_nets" / f"{name}.caffemodel"
        with pytest.warns(UserWarning, match="Input layer"):
            function, empty = CaffeFunction(str(path)), CaffeFunction(str(path))
        for param in empty.params():
            param.array[...] = 7
        net = Net(read_net(path))
        ft.copy(function, net)
        with np.load(GOLDEN / "caffefunction_nets.npz") as golden:
            (out,) = net(golden["x"], ["out"])
            np.testing.assert_allclose(out.array, golden[name], rtol=1e-4, atol=1e-5)
        ft.copy(net, empty)
        for one, other in zip(function.params(), empty.params(), strict=True):
            np.testing.assert_array_equal(one.array, other.array)

    def test_with_a_chain_written_by_hand(self) -> None:
        """Statistics without a factor are those of a long training."""

        class Chain(chainer.Chain):
            def __init__(self) -> None:
                super().__init__()
                with self.init_scope():
                    self.fc = links.Linear(4, 3)
                    self.bn = links.BatchNormalization(3, use_gamma=False, use_beta=False)

        chain, x = Chain(), np.random.RandomState(0).randn(5, 4).astype("f4")
        chain.bn.avg_mean[...] = [1, 2, 3]
        chain.bn.avg_var[...] = [0.5, 1, 2]
        net = Net(
            parse_net("""
            layer { name: "d" type: "Input" top: "d" }
            layer { name: "fc" type: "InnerProduct" bottom: "d" top: "fc"
                    inner_product_param { num_output: 3 } }
            layer { name: "bn" type: "BatchNorm" bottom: "fc" top: "bn"
                    batch_norm_param { eps: 2e-5 } }""")
        )
        ft.copy(chain, net, strict=True)
        with chainer.using_config("train", False):
            wanted = chain.bn(chain.fc(x)).array
        np.testing.assert_allclose(net(x, ["bn"])[0].array, wanted, rtol=1e-5, atol=1e-6)
        factor = net.params_in_order()[4].read()
        np.testing.assert_allclose(factor, [1000], rtol=1e-4)
