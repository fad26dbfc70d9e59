"""Every layer against what real Caffe computed: outputs, gradients, weights after it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import chainer
import h5py
import numpy as np
import pytest
from golden import CASES, named, steps

from chainer_ft.caffe.blobs import from_caffe
from chainer_ft.caffe.layers.base import NetError
from chainer_ft.caffe.layers.batch_norm import BatchNorm
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import parse_net, write_binary
from chainer_ft.links import write

CLOSE = {"rtol": 3e-5, "atol": 3e-6}


def net_of(case: dict[str, Any]) -> Net:
    """A net of one layer, called ``layer``, behind an Input."""
    names = [name for name, _ in case["inputs"]]
    tops = " ".join(f'top: "{name}"' for name in names)
    bottoms = " ".join(f'bottom: "{name}"' for name in names)
    text = f'layer {{ name: "in" type: "Input" {tops} }}'
    text += f'layer {{ name: "layer" {bottoms} top: "out" {case["layer"]} }}'
    return Net(parse_net(text), phase=case["phase"])


def put_weights(net: Net, weights: dict[str, np.ndarray]) -> None:
    blobs = net.params_in_order()
    write(net, from_caffe(blobs, [weights[str(blob.index)] for blob in blobs]))


@pytest.mark.parametrize("name", list(CASES))
def test_equals_caffe(name: str) -> None:
    net = net_of(CASES[name])
    put_weights(net, named(f"{name}|w|"))
    for step in steps(name):
        at = f"{name}|{step}|"
        inputs = {k: chainer.Variable(a) for k, a in named(f"{at}in|").items()}
        net.cleargrads()
        (out,) = net(inputs, ["out"])
        np.testing.assert_allclose(out.array, named(at)["out"], **CLOSE)
        assert out.shape == named(at)["out"].shape
        if "gout" in named(at):
            check_gradients(net, inputs, out, at)
        for blob in net.params_in_order():
            after = named(f"{at}wafter|")[str(blob.index)]
            np.testing.assert_allclose(blob.read(), after, **CLOSE)


@pytest.mark.gpu
@pytest.mark.parametrize("name", list(CASES))
def test_equals_caffe_on_a_gpu(name: str) -> None:
    if not chainer.backends.cuda.available:
        pytest.skip("needs a GPU and CuPy")
    net, at = net_of(CASES[name]), f"{name}|0|"
    put_weights(net, named(f"{name}|w|"))
    net.to_device("@cupy:0")
    inputs = {k: chainer.Variable(net.device.send(a)) for k, a in named(f"{at}in|").items()}
    net.cleargrads()
    (out,) = net(inputs, ["out"])
    close = {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(out.array.get(), named(at)["out"], **close)
    if "gout" in named(at):
        out.grad = net.device.send(named(at)["gout"])
        out.backward()
        for key, wanted in named(f"{at}gin|").items():
            found = inputs[key].grad
            found = np.zeros_like(wanted) if found is None else found.get()
            np.testing.assert_allclose(found, wanted, **close)


def check_gradients(net: Net, inputs: dict[str, Any], out: Any, at: str) -> None:
    out.grad = named(at)["gout"]
    out.backward()
    for key, wanted in named(f"{at}gin|").items():
        found = inputs[key].grad
        found = np.zeros_like(wanted) if found is None else found
        np.testing.assert_allclose(found, wanted, **CLOSE)
    for blob in net.params_in_order():
        if blob.parameter is not None and blob.parameter.grad is not None:
            wanted = named(f"{at}gw|")[str(blob.index)]
            np.testing.assert_allclose(blob.to_caffe(blob.parameter.grad), wanted, **CLOSE)


def one(text: str, *inputs: np.ndarray, tops: int = 1, phase: str = "TEST") -> tuple[Any, ...]:
    """The tops of a layer, and its inputs as Variables."""
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(inputs)))
    names = " ".join(f'top: "x{i}"' for i in range(len(inputs)))
    outs = " ".join(f'top: "y{i}"' for i in range(tops))
    net = Net(
        parse_net(
            f'layer {{ name: "in" type: "Input" {names} }} '
            f'layer {{ name: "l" {bottoms} {outs} {text} }}'
        ),
        phase=phase,
    )
    variables = [chainer.Variable(np.asarray(x, "f4")) for x in inputs]
    given = {f"x{i}": x for i, x in enumerate(variables)}
    return (*net(given, [f"y{i}" for i in range(tops)]), *variables)


RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randn(2, 3, 7, 8).astype("f4")


class TestBeyondTheGoldenCases:
    @pytest.mark.parametrize("shape", [(2, 4, 9), (2, 4, 5, 6, 7)])
    @pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
    def test_one_and_three_axes(self, kind: str, shape: tuple[int, ...]) -> None:
        """A unit kernel: the result is a matrix product at each place."""
        text = f'type: "{kind}" convolution_param {{ num_output: 3 kernel_size: 1 '
        x = RANDOM.randn(*shape).astype("f4")
        y, _ = one(text + 'weight_filler { type: "constant" value: 2 } }', x)
        wanted = np.repeat(2 * x.sum(1, keepdims=True), 3, axis=1)
        np.testing.assert_allclose(y.array, wanted, rtol=1e-4, atol=1e-5)

    def test_strides_of_three_axes(self) -> None:
        text = 'type: "Convolution" convolution_param { num_output: 2 kernel_size: [3, 2, 1] '
        y, _ = one(text + "stride: [2, 1, 3] pad: [1, 0, 0] }", RANDOM.randn(1, 2, 5, 6, 7))
        assert y.shape == (1, 2, 3, 5, 3)

    def test_the_channels_on_another_axis(self) -> None:
        x = RANDOM.randn(2, 3, 4, 5, 6)
        text = 'type: "Convolution" convolution_param { num_output: 2 kernel_size: 1 axis: 2 }'
        assert one(text, x)[0].shape == (2, 3, 2, 5, 6)

    def test_several_bottoms_share_weights(self) -> None:
        text = 'type: "Convolution" convolution_param { num_output: 2 kernel_size: 3 '
        text += 'weight_filler { type: "gaussian" } }'
        y, z, _, _ = one(text, IMAGES, IMAGES * 2, tops=2)
        np.testing.assert_allclose(z.array, 2 * y.array, rtol=1e-4, atol=1e-5)

    def test_a_kernel_larger_than_what_it_pools(self) -> None:
        y, _ = one(
            'type: "Pooling" pooling_param { kernel_size: 3 stride: 2 }', IMAGES[:, :, :2, :2]
        )
        np.testing.assert_array_equal(y.array, IMAGES[:, :, :2, :2].max((2, 3), keepdims=True))
        text = 'type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 }'
        y, _ = one(text, IMAGES[:, :, :2, :2])
        np.testing.assert_allclose(
            y.array, IMAGES[:, :, :2, :2].mean((2, 3), keepdims=True), rtol=1e-5
        )

    def test_windows_behind_the_image(self) -> None:
        x = RANDOM.randn(1, 1, 5, 5)
        text = "kernel_size: 1 stride: 3 pad: 0"  # ceil: windows at 0, 3 and 6 of 5
        y, _ = one(f'type: "Pooling" pooling_param {{ {text} }}', x)
        assert y.shape == (1, 1, 3, 3) and (y.array[..., 2] == np.finfo("f4").min).all()

    def test_the_places_of_maxima(self) -> None:
        text = 'type: "Pooling" pooling_param { kernel_size: 3 stride: 2 pad: 1 }'
        y, places, _ = one(text, IMAGES, tops=2)
        flat = IMAGES.reshape(2, 3, -1)
        taken = np.take_along_axis(flat, places.array.reshape(2, 3, -1).astype(int), 2)
        np.testing.assert_array_equal(taken.reshape(y.shape), y.array)

    def test_stochastic_pooling(self) -> None:
        x = np.abs(IMAGES)
        text = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }'
        y, _ = one(text, x)
        window = x[:, :, :2, :2]
        np.testing.assert_allclose(
            y.array[:, :, 0, 0], (window**2).sum((2, 3)) / window.sum((2, 3)), rtol=1e-5
        )
        drawn, _ = one(text, x, phase="TRAIN")
        assert np.isin(drawn.array, x).all() and not np.array_equal(drawn.array, y.array)

    def test_a_loss_has_a_ceiling(self) -> None:
        scores = np.array([[0.0, 200.0]])
        loss, x, _ = one('type: "SoftmaxWithLoss"', scores, [0])
        assert float(loss.array) == pytest.approx(87.3365, abs=1e-4)
        loss.backward()
        np.testing.assert_allclose(x.grad, [[-1, 1]])

    def test_probabilities_beside_the_loss(self) -> None:
        scores = RANDOM.randn(4, 5, 2, 3)
        labels = RANDOM.randint(0, 5, (4, 2, 3))
        loss, p, x, _ = one('type: "SoftmaxWithLoss"', scores, labels, tops=2)
        np.testing.assert_allclose(p.array.sum(1), 1, rtol=1e-5)
        own = np.take_along_axis(p.array, labels[:, None], 1)
        np.testing.assert_allclose(loss.array, -np.log(own).mean(), rtol=1e-5)
        loss.backward()
        np.testing.assert_allclose(x.grad.sum(1), 0, atol=1e-6)

    def test_infogain_with_the_unit_matrix_is_softmax(self) -> None:
        scores, labels = RANDOM.randn(4, 5), RANDOM.randint(0, 5, 4)
        text = "loss_param { ignore_label: 2 }"
        loss, x, *_ = one(f'type: "InfogainLoss" {text}', scores, labels, np.eye(5))
        other, z, _ = one(f'type: "SoftmaxWithLoss" {text}', scores, labels)
        np.testing.assert_allclose(loss.array, other.array, rtol=1e-5)
        loss.backward()
        other.backward()
        np.testing.assert_allclose(x.grad, z.grad, rtol=1e-5, atol=1e-7)

    def test_infogain_from_a_file(self, tmp_path: Path) -> None:
        scores, labels = RANDOM.randn(4, 3), RANDOM.randint(0, 3, 4)
        gains = RANDOM.rand(3, 3).astype("f4")
        blob = Message("BlobProto", num=1, channels=1, height=3, width=3, data=gains.ravel())
        write_binary(blob, tmp_path / "h.binaryproto")
        text = f'infogain_loss_param {{ source: "{tmp_path}/h.binaryproto" }}'
        stored, x, _ = one(f'type: "InfogainLoss" {text}', scores, labels)
        given, *_ = one('type: "InfogainLoss"', scores, labels, gains)
        np.testing.assert_allclose(stored.array, given.array, rtol=1e-6)
        p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        wanted = -(gains[labels] * np.log(p)).sum() / 4
        np.testing.assert_allclose(stored.array, wanted, rtol=1e-5)
        stored.backward()
        slope = (p * gains[labels].sum(1, keepdims=True) - gains[labels]) / 4
        np.testing.assert_allclose(x.grad, slope, rtol=1e-4, atol=1e-6)

    def test_accuracy_of_each_class(self) -> None:
        scores = np.array([[3, 1, 0], [3, 1, 0], [0, 5, 1], [0, 1, 0]])
        whole, each, *_ = one('type: "Accuracy"', scores, [0, 1, 1, 1], tops=2)
        assert float(whole.array) == 0.75
        np.testing.assert_allclose(each.array, [1, 2 / 3, 0])

    def test_accuracy_of_nothing(self) -> None:
        text = 'type: "Accuracy" accuracy_param { ignore_label: 1 }'
        assert float(one(text, [[1, 2]], [1])[0].array) == 0

    def test_labels_as_fractions_and_of_any_shape(self) -> None:
        for labels in ([[1.9], [0]], [[[[1]]], [[[0.5]]]]):
            scores = np.array([[1, 2], [2, 1]])
            assert float(one('type: "Accuracy"', scores, labels)[0].array) == 1

    def test_the_order_of_equal_numbers(self) -> None:
        text = 'type: "ArgMax" argmax_param { top_k: 3 out_max_val: true }'
        y, _ = one(text, [[1, 5, 5, 2]])
        np.testing.assert_array_equal(y.array, [[[2, 1, 3], [5, 5, 2]]])

    def test_reindexing_and_filtering(self) -> None:
        x = np.arange(6).reshape(3, 2)
        y, source, _ = one('type: "BatchReindex"', x, [2, 0, 2, 2])
        np.testing.assert_array_equal(y.array, x[[2, 0, 2, 2]])
        y.grad = np.ones_like(y.array)
        y.backward()
        np.testing.assert_array_equal(source.grad, [[1, 1], [0, 0], [3, 3]])
        y, z, *_ = one('type: "Filter"', x, x * 2, [1, 0, 3], tops=2)
        np.testing.assert_array_equal(y.array, x[[0, 2]])
        np.testing.assert_array_equal(z.array, 2 * x[[0, 2]])

    def test_im2col(self) -> None:
        text = 'type: "Im2col" convolution_param { kernel_size: 3 stride: 2 pad: 1 }'
        y, _ = one(text, IMAGES)
        assert y.shape == (2, 27, 4, 4)
        np.testing.assert_array_equal(y.array[:, 4::9], IMAGES[:, :, ::2, ::2])

    def test_a_free_weight(self) -> None:
        net = Net(
            parse_net(
                'layer { name: "w" type: "Parameter" top: "w" '
                "parameter_param { shape { dim: 2 dim: 3 } } }"
            )
        )
        (y,) = net({}, ["w"])
        assert y.shape == (2, 3)
        assert [blob.shape for blob in net.params_in_order()] == [(2, 3)]

    def test_output_to_hdf5(self, tmp_path: Path) -> None:
        path = tmp_path / "out.h5"
        text = f'name: "h" type: "HDF5Output" hdf5_output_param {{ file_name: "{path}" }}'
        net = Net(
            parse_net(
                'layer { name: "in" type: "Input" top: "x" top: "t" } '
                f'layer {{ {text} bottom: "x" bottom: "t" }}'
            )
        )
        net.run({"x": IMAGES, "t": np.arange(2)})
        with h5py.File(path) as file:
            np.testing.assert_array_equal(file["data"], IMAGES)
            np.testing.assert_array_equal(file["label"], [0, 1])

    def test_a_vector_is_one_channel(self) -> None:
        y, _ = one('type: "BatchNorm"', [1, 2, 3, 6], phase="TRAIN")
        np.testing.assert_allclose(y.array, (np.array([1, 2, 3, 6]) - 3) / np.sqrt(3.5), rtol=1e-4)

    def test_batch_norm_with_chainers_function(self) -> None:
        """What runs on a GPU gives what runs here."""
        layer = parse_net('layer { name: "b" type: "BatchNorm" }').layer[0]
        norm, x = BatchNorm(layer, "TRAIN"), chainer.Variable(IMAGES)
        for here, there in zip(norm._normalised(x), norm._by_chainer(x), strict=True):
            one_, other = (getattr(a, "array", a) for a in (here, there))
            np.testing.assert_allclose(one_, other, rtol=1e-4, atol=1e-5)

    def test_mvn_of_what_is_constant(self) -> None:
        y, x = one('type: "MVN"', np.ones((1, 1, 2, 2)))
        y.grad = np.ones_like(y.array)
        y.backward()
        assert (y.array == 0).all() and np.isfinite(x.grad).all()

    def test_the_gradient_of_equal_maxima(self) -> None:
        text = 'type: "Eltwise" eltwise_param { operation: MAX }'
        y, *bottoms = one(text, [1, 1], [1, 0], [1, 1])
        y.grad = np.ones_like(y.array)
        y.backward()
        grads = [x.grad for x in bottoms]
        np.testing.assert_array_equal(grads, [[0, 1], [1, 0], [0, 0]])

    @pytest.mark.parametrize(
        ("text", "inputs", "said"),
        [
            ('type: "Eltwise"', [np.ones(2), np.ones(3)], "different shapes"),
            ('type: "Slice" slice_param { slice_point: 9 }', [IMAGES], "1 slice_point for 1 tops"),
            ('type: "Reshape" reshape_param { shape { dim: 5 } }', [IMAGES], "cannot be reshaped"),
            ('type: "Crop"', [IMAGES[:, :, :2], IMAGES], "beyond axis 2"),
            ('type: "Softmax" softmax_param { axis: 4 }', [IMAGES], "no axis 4"),
            ('type: "Pooling" pooling_param { kernel_size: 1 }', [np.ones((2, 3))], "four axes"),
            ('type: "Scale"', [IMAGES, np.ones(4)], "does not fit into"),
            ('type: "SoftmaxWithLoss"', [np.ones((2, 3)), np.ones(3)], "3 labels of shape"),
            ('type: "Embed" embed_param { num_output: 2 input_dim: 3 }', [[3]], "label 3"),
        ],
    )
    def test_what_a_layer_cannot_take(self, text: str, inputs: list[Any], said: str) -> None:
        with pytest.raises(NetError, match=said) as caught:
            one(text, *inputs)
        assert re.match(r"<text>:1:\d+: layer 'l' \(\w+\): ", str(caught.value))
