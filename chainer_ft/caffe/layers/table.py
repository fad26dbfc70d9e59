"""The layers by their type: where each is, and how many bottoms and tops it takes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MANY = 1 << 30


@dataclass(frozen=True)
class Kind:
    """A type of layer.

    Args:
        home: Module of this package and function in it; ``function(layer, phase)`` returns what
            computes the tops from the bottoms.
        summary: What it computes, for people.
        bottoms: The least and the largest number of bottoms.
        tops: The least and the largest number of tops.
        is_loss: Whether the first top has a loss weight of 1, and need not be named.
        in_place: Whether a top may have the name of its bottom.
        extra_bottoms: How many more bottoms than tops there are, where that is fixed.
    """

    home: str
    summary: str
    bottoms: tuple[int, int] = (1, 1)
    tops: tuple[int, int] = (1, 1)
    is_loss: bool = False
    in_place: bool = True
    extra_bottoms: int | None = None

    @property
    def build(self) -> Callable[..., Any]:
        """The function."""
        module, _, name = self.home.partition(".")
        found: Callable[..., Any] = getattr(
            importlib.import_module(f"chainer_ft.caffe.layers.{module}"), name
        )
        return found


def _loss(home: str, summary: str, bottoms: tuple[int, int] = (2, 2), tops: int = 1) -> Kind:
    return Kind(home, summary, bottoms, (1, tops), is_loss=True)


#: A top for each bottom; a top for each bottom but the last.
_EACH = ((1, MANY), (1, MANY), False, True, 0)
_FILTER = ((2, MANY), (1, MANY), False, True, 1)

KINDS: dict[str, Kind] = {
    "AbsVal": Kind("activations.absolute", "absolute value", in_place=False),
    "Accuracy": Kind("scores.accuracy", "share of right answers", (2, 2), (1, 2)),
    "ArgMax": Kind("scores.arg_max", "places of the largest numbers"),
    "BatchNorm": Kind("batch_norm.batch_norm", "to mean 0 and variance 1, with running sums"),
    "BatchReindex": Kind("joins.batch_reindex", "items of a batch by number", (2, 2)),
    "Bias": Kind("scale.bias", "adds a learned or a second blob", (1, 2)),
    "BNLL": Kind("activations.bnll", "log(1 + exp(x))"),
    "Clip": Kind("activations.clip", "between min and max"),
    "Concat": Kind("joins.concat", "side by side", (1, MANY)),
    "ContrastiveLoss": _loss("losses.contrastive_loss", "pairs, with a margin", (3, 3)),
    "Convolution": Kind("convolution.convolution", "any axes, groups", *_EACH),
    "Crop": Kind("shapes.crop", "a window of a second blob's size", (2, 2)),
    "Deconvolution": Kind("convolution.deconvolution", "its transposed", *_EACH),
    "Dropout": Kind("activations.dropout", "drops numbers in TRAIN"),
    "Eltwise": Kind("joins.eltwise", "product, weighted sum, maximum", (2, MANY)),
    "ELU": Kind("activations.elu", "alpha (exp(x) - 1) below 0"),
    "Embed": Kind("inner_product.embed", "a row of a matrix for each number"),
    "EuclideanLoss": Kind("losses.euclidean_loss", "squares over 2N", (2, 2), is_loss=True),
    "Exp": Kind("powers.exp", "base ** (shift + scale x)"),
    "Filter": Kind("joins.select", "items that a last blob chooses", *_FILTER),
    "Flatten": Kind("shapes.flatten", "several axes as one", in_place=False),
    "HDF5Output": Kind("writing.hdf5_output", "writes data and label", (2, 2), (0, 0)),
    "HingeLoss": _loss("losses.hinge_loss", "max(0, 1 ± x), L1 or L2"),
    "Im2col": Kind("convolution.im2col", "windows as channels", *_EACH),
    "InfogainLoss": _loss("softmax.infogain_loss", "-log p with a matrix", (2, 3), 2),
    "InnerProduct": Kind("inner_product.inner_product", "matrix product"),
    "Log": Kind("powers.logarithm", "log(shift + scale x) to a base"),
    "LRN": Kind("lrn.lrn", "over neighbours, across or within channels"),
    "MultinomialLogisticLoss": _loss("softmax.multinomial_loss", "-log p of probabilities"),
    "MVN": Kind("batch_norm.mvn", "each image to mean 0 and variance 1"),
    "Parameter": Kind("scale.parameter", "a free weight", (0, 0)),
    "Permute": Kind("shapes.permute", "axes in another order (SSD)"),
    "Pooling": Kind("pooling.pooling", "MAX, AVE, STOCHASTIC; ceil or floor", tops=(1, 2)),
    "Power": Kind("powers.power", "(shift + scale x) ** power"),
    "PReLU": Kind("activations.prelu", "learned slopes below 0"),
    "Reduction": Kind("shapes.reduction", "sum, mean, squares, absolute values"),
    "ReLU": Kind("activations.relu", "max(x, 0), with a slope below 0"),
    "Reshape": Kind("shapes.reshape", "other axes", in_place=False),
    "Scale": Kind("scale.scale", "times a learned or a second blob, plus a bias", (1, 2)),
    "Sigmoid": Kind("activations.sigmoid", "1 / (1 + exp(-x))"),
    "SigmoidCrossEntropyLoss": _loss("losses.sigmoid_loss", "for each number by itself"),
    "Silence": Kind("joins.silence", "takes blobs", (1, MANY), (0, 0)),
    "Slice": Kind("joins.cut", "pieces along an axis", tops=(1, MANY)),
    "Softmax": Kind("softmax.softmax", "probabilities"),
    "SoftmaxWithLoss": _loss("softmax.softmax_loss", "-log p of the labels", tops=2),
    "Split": Kind("joins.fan_out", "one blob under several names", tops=(1, MANY)),
    "SPP": Kind("spp.spp", "pooling into 1, 4, 16, ... windows"),
    "Swish": Kind("activations.swish", "x sigmoid(beta x)"),
    "TanH": Kind("activations.tanh", "hyperbolic tangent"),
    "Threshold": Kind("activations.threshold", "1 above a threshold"),
    "Tile": Kind("joins.tile", "copies side by side"),
}

#: Losses: they need no top, and the first has a weight of 1.
LOSSES = frozenset(name for name, kind in KINDS.items() if kind.is_loss)

#: Their tops are inputs of a Net.
DATA_LAYERS = frozenset(
    ("Data", "DummyData", "HDF5Data", "ImageData", "Input", "MemoryData", "WindowData")
)

#: Types of Caffe's that need a plugin.
UNSUPPORTED = frozenset(("LSTM", "LSTMUnit", "Python", "RNN"))
