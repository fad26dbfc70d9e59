"""Three nets as prototxts, and the same layers as chains written by hand."""

from __future__ import annotations

from collections.abc import Iterator

import chainer_ft  # noqa: F401  before chainer

import chainer  # isort: skip
import chainer.functions as F  # noqa: N812
import chainer.links as L  # noqa: N812

_STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))


def layer(name: str, kind: str, bottoms: str, top: str = "", more: str = "") -> str:
    """A layer of a prototxt; without a top it is in place, or its top has its name."""
    blobs = "".join(f'bottom: "{bottom}" ' for bottom in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {blobs}top: "{top or name}" {more} }}\n'


def _data(*shape: int) -> str:
    dims = "".join(f"dim: {n} " for n in shape)
    shapes = f"input_param {{ shape {{ {dims}}} shape {{ dim: {shape[0]} }} }}"
    return f'layer {{ name: "data" type: "Input" top: "data" top: "label" {shapes} }}\n'


def _conv(name: str, bottom: str, size: int, kernel: int, pad: int, more: str = "") -> str:
    sizes = f"num_output: {size} kernel_size: {kernel} pad: {pad} {more}"
    filler = 'weight_filler { type: "msra" }'
    return layer(name, "Convolution", bottom, more=f"convolution_param {{ {sizes} {filler} }}")


def _pool(name: str, bottom: str, kind: str, kernel: int, stride: int) -> str:
    sizes = f"pool: {kind} kernel_size: {kernel} stride: {stride}"
    return layer(name, "Pooling", bottom, more=f"pooling_param {{ {sizes} }}")


def _fc(name: str, bottom: str, size: int) -> str:
    filler = 'weight_filler { type: "xavier" }'
    more = f"inner_product_param {{ num_output: {size} {filler} }}"
    return layer(name, "InnerProduct", bottom, more=more)


def lenet() -> str:
    """LeNet, 64 digits."""
    text = _data(64, 1, 28, 28) + _conv("conv1", "data", 20, 5, 0)
    text += _pool("pool1", "conv1", "MAX", 2, 2) + _conv("conv2", "pool1", 50, 5, 0)
    text += _pool("pool2", "conv2", "MAX", 2, 2) + _fc("ip1", "pool2", 500)
    text += layer("relu1", "ReLU", "ip1", "ip1") + _fc("ip2", "ip1", 10)
    return text + layer("loss", "SoftmaxWithLoss", "ip2 label")


class LeNet(chainer.Chain):
    """The same by hand."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(1, 20, 5)
            self.conv2 = L.Convolution2D(20, 50, 5)
            self.ip1 = L.Linear(800, 500)
            self.ip2 = L.Linear(500, 10)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        h = F.max_pooling_2d(self.conv1(x), 2, 2)
        h = F.max_pooling_2d(self.conv2(h), 2, 2)
        return self.ip2(F.relu(self.ip1(h)))


def cifar10_quick() -> str:
    """cifar10_quick, 100 images."""
    text = _data(100, 3, 32, 32) + _conv("conv1", "data", 32, 5, 2)
    text += _pool("pool1", "conv1", "MAX", 3, 2) + layer("relu1", "ReLU", "pool1", "pool1")
    text += _conv("conv2", "pool1", 32, 5, 2) + layer("relu2", "ReLU", "conv2", "conv2")
    text += _pool("pool2", "conv2", "AVE", 3, 2) + _conv("conv3", "pool2", 64, 5, 2)
    text += layer("relu3", "ReLU", "conv3", "conv3") + _pool("pool3", "conv3", "AVE", 3, 2)
    text += _fc("ip1", "pool3", 64) + _fc("ip2", "ip1", 10)
    return text + layer("loss", "SoftmaxWithLoss", "ip2 label")


class Cifar10Quick(chainer.Chain):
    """The same by hand; means over windows that are cut off are those of Caffe."""

    def __init__(self) -> None:
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(3, 32, 5, pad=2)
            self.conv2 = L.Convolution2D(32, 32, 5, pad=2)
            self.conv3 = L.Convolution2D(32, 64, 5, pad=2)
            self.ip1 = L.Linear(1024, 64)
            self.ip2 = L.Linear(64, 10)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        h = F.relu(F.max_pooling_2d(self.conv1(x), 3, 2))
        h = _means(F.relu(self.conv2(h)))
        h = _means(F.relu(self.conv3(h)))
        return self.ip2(self.ip1(h))


def _means(x: chainer.Variable) -> chainer.Variable:
    """Windows of 3, two apart, over an even number; the last one has 2 of 3 rows or columns."""
    edge = ((0, 0), (0, 0), (0, 1), (0, 1))
    y = F.average_pooling_2d(F.pad(x, edge, "constant"), 3, 2)
    whole = x.xp.ones(y.shape[2:], "f4")
    whole[-1] *= 1.5
    whole[:, -1] *= 1.5
    return y * whole


def resnet18() -> str:
    """A ResNet of 18 layers, 4 images of 112 x 112."""
    text = _data(4, 3, 112, 112) + _norm_conv("conv1", "data", 64, 7, 3, 2)
    text += layer("conv1_relu", "ReLU", "conv1", "conv1") + _pool("pool1", "conv1", "MAX", 3, 2)
    bottom = "pool1"
    for name, size, stride in _blocks():
        text += _block(name, bottom, size, stride, shortcut=name.endswith("a"))
        bottom = name
    text += layer(
        "pool5", "Pooling", bottom, more="pooling_param { pool: AVE global_pooling: true }"
    )
    return text + _fc("fc", "pool5", 1000) + layer("loss", "SoftmaxWithLoss", "fc label")


def _blocks() -> Iterator[tuple[str, int, int]]:
    for i, (size, stride) in enumerate(_STAGES, 2):
        yield f"res{i}a", size, stride
        yield f"res{i}b", size, 1


def _norm_conv(name: str, bottom: str, size: int, kernel: int, pad: int, stride: int) -> str:
    text = _conv(name, bottom, size, kernel, pad, f"stride: {stride} bias_term: false")
    text += layer(f"{name}_bn", "BatchNorm", name, name)
    return text + layer(f"{name}_scale", "Scale", name, name, "scale_param { bias_term: true }")


def _block(name: str, bottom: str, size: int, stride: int, shortcut: bool) -> str:
    text = ""
    if shortcut:
        text += _norm_conv(f"{name}_1", bottom, size, 1, 0, stride)
    text += _norm_conv(f"{name}_2a", bottom, size, 3, 1, stride)
    text += layer(f"{name}_2a_relu", "ReLU", f"{name}_2a", f"{name}_2a")
    text += _norm_conv(f"{name}_2b", f"{name}_2a", size, 3, 1, 1)
    both = f"{name}_1 {name}_2b" if shortcut else f"{bottom} {name}_2b"
    return text + layer(name, "Eltwise", both) + layer(f"{name}_relu", "ReLU", name, name)


class _NormConv(chainer.Chain):
    def __init__(self, inside: int, size: int, kernel: int, pad: int, stride: int) -> None:
        super().__init__()
        with self.init_scope():
            self.conv = L.Convolution2D(inside, size, kernel, stride, pad, nobias=True)
            self.bn = L.BatchNormalization(size, eps=1e-5, decay=0.999)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        return self.bn(self.conv(x))


class _Block(chainer.Chain):
    def __init__(self, inside: int, size: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        with self.init_scope():
            self.first = _NormConv(inside, size, 3, 1, stride)
            self.second = _NormConv(size, size, 3, 1, 1)
            if shortcut:
                self.shortcut = _NormConv(inside, size, 1, 0, stride)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        h = self.second(F.relu(self.first(x)))
        return F.relu(h + (self.shortcut(x) if hasattr(self, "shortcut") else x))


class ResNet18(chainer.Chain):
    """The same by hand, with BatchNormalization where Caffe has BatchNorm and Scale."""

    def __init__(self) -> None:
        super().__init__()
        inside = 64
        with self.init_scope():
            self.conv1 = _NormConv(3, 64, 7, 3, 2)
            self.blocks = chainer.ChainList()
            for name, size, stride in _blocks():
                self.blocks.add_link(_Block(inside, size, stride, name.endswith("a")))
                inside = size
            self.fc = L.Linear(512, 1000)

    def forward(self, x: chainer.Variable) -> chainer.Variable:
        h = F.max_pooling_2d(F.relu(self.conv1(x)), 3, 2)
        for block in self.blocks:
            h = block(h)
        return self.fc(F.average(h, (2, 3)))


NETS = {
    "LeNet, 64 digits": (lenet, LeNet, "ip2"),
    "cifar10_quick, 100 images": (cifar10_quick, Cifar10Quick, "ip2"),
    "ResNet-18, 4 images of 112x112": (resnet18, ResNet18, "fc"),
}
