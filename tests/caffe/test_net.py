"""Net as a chain: calls, phases, losses, frozen layers, names, weights from files."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import caffe_encoder as encoder
import chainer
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812
import numpy as np
import pytest

import chainer_ft as ft
from chainer_ft.caffe.layers.base import NetError
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.prototxt import parse_net, read_net
from chainer_ft.errors import UsageError
from chainer_ft.host import Host
from chainer_ft.types import CaffeLayer

DATA = 'layer { name: "d" type: "Input" top: "data" top: "label" }\n'
FC = 'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" %s\n\
 inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }\n'
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }\n'
X = np.random.RandomState(0).randn(4, 5).astype("f4")
T = np.array([0, 1, 2, 1])


def net(*layers: str, **options: Any) -> Net:
    return Net(parse_net("".join(layers), "n"), **options)


def simple(what: str, tops: int = 1, name: str = "l") -> str:
    """A layer after the data."""
    names = " ".join(f'top: "{name}{i or ""}"' for i in range(tops))
    return f'layer {{ name: "{name}" bottom: "data" {names} {what} }}\n'


class TestCalls:
    def test_blobs_by_name(self) -> None:
        made = net(DATA, FC % "", LOSS)
        fc, loss = made({"data": X, "label": T}, ["fc", "loss"])
        wanted = F.softmax_cross_entropy(made.fc(X), T.astype("i4"))
        np.testing.assert_allclose(fc.array, made.fc(X).array)
        np.testing.assert_allclose(loss.array, wanted.array, rtol=1e-6)

    def test_only_what_is_needed(self) -> None:
        made = net(DATA, FC % "", LOSS)
        assert made({"data": X}, ["fc"])[0].shape == (4, 3)
        assert made({"data": X}, "fc")[0].shape == (4, 3)
        with pytest.raises(UsageError, match="blob 'label' of layer 'd'"):
            made({"data": X})

    def test_an_array_alone_is_the_first_blob(self) -> None:
        made = net(DATA, FC % "")
        np.testing.assert_array_equal(made(X, ["fc"])[0].array, made.fc(X).array)

    def test_a_blob_in_the_middle_is_given(self) -> None:
        made = net(DATA, FC % "", 'layer { name: "r" type: "ReLU" bottom: "fc" top: "r" }')
        (r,) = made({"fc": np.array([[-1, 2]], "f4")}, ["r"])
        np.testing.assert_array_equal(r.array, [[0, 2]])
        assert made.fc.W.array is None

    def test_integers_become_floats(self) -> None:
        made = net(DATA, simple('type: "Power" power_param { scale: 0.5 }'))
        (y,) = made({"data": np.array([[1, 255]], "u1")}, ["l"])
        np.testing.assert_array_equal(y.array, np.array([[0.5, 127.5]], "f4"))
        assert y.dtype == np.float32

    def test_a_variable_keeps_its_graph(self) -> None:
        x = chainer.Variable(X)
        made = net(DATA, FC % "")
        F.sum(made({"data": x}, ["fc"])[0]).backward()
        assert x.grad is not None

    def test_force_backward(self) -> None:
        for text, wanted in (("", False), ("force_backward: true\n", True)):
            made = net(text, DATA, simple('type: "ReLU"'))
            assert made({"data": X}, ["l"])[0].requires_grad is wanted

    def test_in_place_layers_change_what_follows(self) -> None:
        made = net(DATA, FC % "", 'layer { name: "r" type: "ReLU" bottom: "fc" top: "fc" }', LOSS)
        (fc,) = made({"data": X}, ["fc"])
        np.testing.assert_array_equal(fc.array, np.maximum(made.fc(X).array, 0))

    def test_a_pass_through_everything(self) -> None:
        silent = 'layer { name: "s" type: "Silence" bottom: "label" }'
        made = net(DATA, FC % "", silent, LOSS.replace('loss" }', 'loss" loss_weight: 2 }'))
        passed = made.run({"data": X, "label": T})
        assert passed.loss is not None
        np.testing.assert_allclose(passed.loss.array, 2 * passed.blobs["loss"].array)
        assert {"data", "label", "fc", "loss"} <= set(passed.blobs)

    def test_a_sum_of_losses(self) -> None:
        made = net(DATA, simple('type: "Power" loss_weight: 0.5'), FC % "", LOSS)
        loss = made.loss({"data": X, "label": T})
        alone = made({"data": X, "label": T}, ["loss"])[0]
        np.testing.assert_allclose(loss.array, alone.array + 0.5 * X.sum(), rtol=1e-5)
        assert made.loss_blobs == {"l": 0.5, "loss": 1.0}

    def test_a_net_without_a_loss(self) -> None:
        with pytest.raises(UsageError, match="no loss in phase TEST"):
            net(DATA, FC % "").loss({"data": X})


class TestPhases:
    RULED = (
        DATA
        + simple('type: "Dropout" include { phase: TRAIN }')
        + simple('type: "Power" power_param { shift: 1 } include { stage: "s" }', name="p")
    )

    def test_layers(self) -> None:
        assert net(self.RULED, phase="TEST").output_blobs == ("data", "label")
        assert net(self.RULED, phase="TRAIN").output_blobs == ("l", "label")
        assert net(self.RULED, stages=["s"]).output_blobs == ("label", "p")

    def test_dropout_needs_train_twice(self) -> None:
        x = np.ones((10, 100), "f4")
        trained = net(self.RULED, phase="TRAIN")
        assert set(np.unique(trained(x, ["l"])[0].array)) == {0, 2}
        with chainer.using_config("train", False):
            assert (trained(x, ["l"])[0].array == 1).all()
        still = net(DATA, simple('type: "Dropout" phase: TEST'), phase="TRAIN")
        assert (still(x, ["l"])[0].array == 1).all()


class TestWeights:
    def test_lr_mult_0_stops_the_gradient(self) -> None:
        text = [DATA, FC % "param { lr_mult: 0 } param { lr_mult: 0 }", FC.replace('"fc"', '"g"')]
        made = net(*text[:2], text[2].replace('"data"', '"fc"') % "", phase="TRAIN")
        made({"data": X}, ["g"])
        made.cleargrads()
        F.sum(made({"data": X}, ["g"])[0]).backward()
        assert made.fc.W.grad is None and made.g.W.grad is not None
        assert not made({"data": X}, ["fc"])[0].requires_grad
        assert [b.lr_mult for b in made.params_in_order()] == [0, 0, 1, 1]

    def test_propagate_down_false_stops_it_too(self) -> None:
        second = FC.replace('"fc"', '"g"').replace('"data"', '"fc"') % "propagate_down: false"
        made = net(DATA, FC % "", second)
        made({"data": X}, ["g"])
        made.cleargrads()
        F.sum(made({"data": X}, ["g"])[0]).backward()
        assert made.fc.W.grad is None and made.g.W.grad is not None

    def test_children_have_the_names_of_layers(self) -> None:
        names = ["conv1/7x7_s2", "318", "a.b", "copy"]
        convs = [
            simple('type: "Convolution" convolution_param { num_output: 2 kernel_size: 1 }', name=n)
            for n in names
        ]
        made = net(DATA, *convs)
        assert sorted(link.name for link in made.children()) == [
            "318",
            "a.b",
            "conv1/7x7_s2",
            "copy_",
        ]
        assert callable(made.copy)

    def test_blobs_in_caffes_order(self) -> None:
        norm = 'type: "BatchNorm" bottom: "data" top: "bn" '
        made = net(
            DATA,
            FC % 'param { name: "w" lr_mult: 3 decay_mult: 2 }',
            f'layer {{ name: "bn" {norm} }}',
            'layer { name: "sc" type: "Scale" bottom: "bn" top: "sc" '
            "scale_param { bias_term: true } }",
        )
        made({"data": X}, ["fc", "sc"])
        blobs = made.params_in_order()
        assert [(b.layer, b.index, b.path) for b in blobs] == [
            ("fc", 0, "/fc/W"),
            ("fc", 1, "/fc/b"),
            ("bn", 0, "/bn/avg_mean"),
            ("bn", 1, "/bn/avg_var"),
            ("bn", 2, "/bn/factor"),
            ("sc", 0, "/sc/W"),
            ("sc", 1, "/sc/bias/b"),
        ]
        assert (blobs[0].lr_mult, blobs[0].decay_mult, blobs[0].share_name) == (3, 2, "w")
        assert [b.lr_mult for b in blobs[2:5]] == [0, 0, 0]
        assert [b.shape for b in blobs] == [(3, 5), (3,), (5,), (5,), (1,), (5,), (5,)]

    def test_transposed_weights(self) -> None:
        turned = FC.replace("num_output: 3", "num_output: 3 transpose: true") % ""
        made = net(DATA, turned)
        made({"data": X}, ["fc"])
        blob = made.params_in_order()[0]
        assert made.fc.W.shape == (3, 5) and blob.shape == blob.read().shape == (5, 3)
        np.testing.assert_array_equal(blob.from_caffe(blob.read()), made.fc.W.array)

    def test_too_many_params(self) -> None:
        with pytest.raises(NetError, match=r"^n:2:\d+: layer 'fc' .*3 param for 2 blobs"):
            net(DATA, FC % "param { } param { } param { }")

    def test_the_statistics_take_no_rate(self) -> None:
        for spec in ("param { }", "param { lr_mult: 1 }"):
            with pytest.raises(NetError, match=r"layer 'l' \(BatchNorm\): .* lr_mult: 0"):
                net(DATA, simple(f'type: "BatchNorm" {spec}'))
        net(DATA, simple('type: "BatchNorm" ' + "param { lr_mult: 1 }" * 3))

    def test_a_copy_has_its_own_weights(self) -> None:
        made = net(DATA, FC % "", LOSS)
        made({"data": X}, ["fc"])
        for other in (made.copy(mode="copy"), deepcopy(made)):
            other.fc.W.array[...] = 0
            assert (other({"data": X}, ["fc"])[0].array == 0).all()
            assert (made({"data": X}, ["fc"])[0].array != 0).any()

    def test_a_child_can_be_replaced(self) -> None:
        made = net(DATA, FC % "", LOSS)
        with made.init_scope():
            del made.fc
            made.fc = L.Linear(5, 7)
        assert made({"data": X}, ["fc"])[0].shape == (4, 7)


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                'type: "Convolutoin"',
                r"^n:2:\d+: layer 'l' \(Convolutoin\): .* nearest: Convolution",
            ),
            ('type: "LSTM"', "is not supported; .*plugin .*chainer_ft_caffe_layers"),
            (
                'type: "Python" python_param { module: "m" layer: "L" }',
                "not supported; a plugin can provide 'Python:m.L'",
            ),
            ('type: "ReLU" bottom: "label"', "has 2 bottoms, and takes 1"),
            ('type: "Concat" top: "x"', "has 2 tops, and takes 1"),
            ('type: "ReLU" relu_param { slope: 1 }', "ReLUParameter has no field 'slope'"),
            ('type: "ReLU" ceil_mode: false', "LayerParameter has no field 'ceil_mode'"),
            ('type: "Convolution" convolution_param { num_output: 1 }', "kernel_size"),
            ('type: "Convolution" convolution_param { kernel_size: 1 }', "num_output is missing"),
            (
                'type: "Convolution" '
                "convolution_param { num_output: 1 kernel_size: 1 kernel_h: 1 }",
                "both kernel_size and kernel_h, kernel_w are given",
            ),
            ('type: "Pooling" pooling_param { kernel_size: 2 pad: 2 }', "pad"),
            ('type: "Pooling" pooling_param { kernel_size: 2 global_pooling: true }', "global"),
            ('type: "Convolution" bottom: "label"', "as many tops as bottoms"),
            ('type: "Pooling" top: "x" pooling_param { pool: AVE kernel_size: 2 }', "one top"),
            ('type: "LRN" lrn_param { local_size: 4 }', "odd"),
            ('type: "Eltwise"', "has 1 bottoms, and takes 2 or more"),
            ('type: "InnerProduct"', "num_output is missing"),
            (
                'type: "InnerProduct" inner_product_param { num_output: 2 '
                'weight_filler { type: "xaver" } }',
                "no filler 'xaver'; nearest: xavier",
            ),
            ('type: "Concat" concat_param { axis: 1 concat_dim: 1 }', "both axis and concat_dim"),
            ('type: "Reshape" reshape_param { shape { dim: -1 dim: -1 } }', "more than one"),
        ],
    )
    def test_a_layer_that_cannot_be_built(self, text: str, said: str) -> None:
        with pytest.raises(ft.ChainerFTError, match=said) as caught:
            net(DATA, simple(text))
        assert re.match(r"n:2:\d+: ", str(caught.value))

    def test_layers_without_in_place(self) -> None:
        with pytest.raises(NetError, match="cannot work in place"):
            net(DATA, 'layer { name: "f" type: "Flatten" bottom: "data" top: "data" }')

    def test_a_layer_that_cannot_run(self) -> None:
        made = net(DATA, FC % "", LOSS)
        with pytest.raises(NetError, match=r"^n:4:\d+: layer 'loss' \(.*\(4, 3\), \(4,\).*label 3"):
            made({"data": X, "label": [0, 1, 2, 3]})

    def test_another_phase_may_have_what_is_not_known(self) -> None:
        odd = simple('type: "Odd" odd_param { a: 1 } include { phase: TRAIN }')
        assert net(DATA, odd, phase="TEST").output_blobs == ("data", "label")


class TestPlugins:
    @staticmethod
    def host(*layers: CaffeLayer) -> Host:
        class Plugin:
            @ft.hookimpl
            def chainer_ft_caffe_layers(self) -> list[CaffeLayer]:
                return list(layers)

        host = Host(installed=False)
        host.register(Plugin(), "layers")
        return host

    def test_a_link_becomes_a_child(self) -> None:
        def build(layer: Any, phase: str) -> chainer.Link:
            assert phase == "TRAIN"
            return L.Linear(5, layer.unknown[0].value[0].value)

        text = simple('type: "Odd" odd_param { size: 2 }')
        made = net(DATA, text, phase="TRAIN", host=self.host(CaffeLayer("Odd", "odd", build)))
        assert made.l.W.shape == (2, 5) and made({"data": X}, ["l"])[0].shape == (4, 2)
        assert [blob.path for blob in made.params_in_order()] == ["/l/W", "/l/b"]

    def test_python_layers_by_class(self) -> None:
        offered = [
            CaffeLayer("Python:m.Double", "twice", lambda layer, phase: lambda x: x * 2),
            CaffeLayer("Python", "any", lambda layer, phase: lambda x: x * 0),
        ]
        for name, factor in (("Double", 2), ("Other", 0)):
            text = simple(f'type: "Python" python_param {{ module: "m" layer: "{name}" }}')
            (y,) = net(DATA, text, host=self.host(*offered))({"data": X}, ["l"])
            np.testing.assert_array_equal(y.array, X * factor)

    def test_two_plugins_for_one_type(self) -> None:
        host = self.host(CaffeLayer("Odd", "odd", lambda layer, phase: lambda x: x))

        class Other:
            @ft.hookimpl
            def chainer_ft_caffe_layers(self) -> list[CaffeLayer]:
                return [CaffeLayer("Odd", "odd too", lambda layer, phase: lambda x: x)]

        host.register(Other(), "others")
        with pytest.raises(NetError, match=r"'Odd' comes from layers .* and others .*none is used"):
            net(DATA, simple('type: "Odd"'), host=host)

    def test_what_a_plugin_raises(self) -> None:
        def build(layer: Any, phase: str) -> Any:
            raise KeyError("size")

        with pytest.raises(ft.ChainerFTError, match="Caffe layer 'Odd' of plugin layers"):
            net(DATA, simple('type: "Odd"'), host=self.host(CaffeLayer("Odd", "odd", build)))

    def test_a_plugin_builds_something_callable(self) -> None:
        offered = CaffeLayer("Odd", "odd", lambda layer, phase: None)  # type: ignore[arg-type,return-value]
        with pytest.raises(NetError, match=r"'l' .* built a NoneType, not a function"):
            net(DATA, simple('type: "Odd"'), host=self.host(offered))


def test_weights_that_find_no_place_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A fork's BatchNorm of five blobs."""
    x = np.ones(4, "f4")
    layers = [
        encoder.layer_v2(
            "fc",
            "InnerProduct",
            [encoder.blob(np.eye(4)), encoder.blob(x)],
            ["x"],
            ["fc"],
            encoder.message(117, encoder.number(1, 4)),
        ),
        encoder.layer_v2("bn", "BatchNorm", [encoder.blob(x)] * 5, ["fc"], ["bn"]),
    ]
    (tmp_path / "fork.caffemodel").write_bytes(encoder.net(*layers))
    made = Net(tmp_path / "fork.caffemodel")
    assert made.input_blobs == ("x",)
    assert "left at their fillers: /bn/avg_mean, /bn/avg_var, /bn/factor" in caplog.text
    np.testing.assert_array_equal(made({"x": [[1, 2, 3, 4]]}, ["fc"])[0].array, [[2, 3, 4, 5]])


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    pytest.importorskip("cupy")
    made = net(DATA, FC % "", LOSS, phase="TRAIN")
    loss = made.loss({"data": X, "label": T})
    made.to_gpu()
    np.testing.assert_allclose(made.loss({"data": X, "label": T}).array.get(), loss.array, 1e-5)


def test_reading_twice_gives_equal_messages(shared: Path) -> None:
    path = shared / "data/caffe/ultraface/RFB-320.prototxt"
    assert read_net(path) == read_net(path)


def test_each_blob_alone_is_what_it_is_in_a_pass(shared: Path) -> None:
    files = shared / "caffe/golden/files"
    made = Net(files / "e_net.prototxt", phase="TEST")
    x = np.random.RandomState(1).randn(2, 3, 14, 14).astype("f4")
    inputs = {"data": x, "label": np.array([0, 3])}
    blobs = made.run(inputs).blobs
    assert len(blobs) == len(made.graph.last)
    for name, blob in blobs.items():
        (alone,) = made(inputs, [name])
        np.testing.assert_array_equal(alone.array, blob.array)


def test_a_binary_net_of_2013(tmp_path: Path) -> None:
    """With weights of four axes, and the types of that year."""
    weights, bias = np.arange(8, dtype="f4").reshape(1, 1, 2, 4), np.ones((1, 1, 1, 2), "f4")
    blobs = [encoder.blob(array, legacy=True) for array in (weights, bias)]
    layers = [
        encoder.layer_v0("fc", "innerproduct", blobs, ["data"], ["fc"], encoder.number(3, 2)),
        encoder.layer_v0("r", "relu", [], ["fc"], ["fc"]),
    ]
    (tmp_path / "old.caffemodel").write_bytes(encoder.net(*layers))
    made = Net(tmp_path / "old.caffemodel")
    (y,) = made({"data": [[1, 0, 0, -1]]}, ["fc"])
    np.testing.assert_array_equal(y.array, [[0, 0]])
    (y,) = made({"data": [[0, 1, 1, 0]]}, ["fc"])
    np.testing.assert_array_equal(y.array, [[4, 12]])
