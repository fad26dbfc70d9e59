"""The shapes of blobs before anything is computed, so that weights are there as in Caffe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from chainer_ft.caffe.layers.base import canonical_axis
from chainer_ft.caffe.layers.convolution import geometry
from chainer_ft.caffe.layers.pooling import pool_of
from chainer_ft.caffe.layers.shapes import cropped, permutation, reshaped
from chainer_ft.caffe.message import Message

Shape = tuple[int, ...]
Shapes = Sequence[Shape]


def _same(layer: Message, bottoms: Shapes) -> Shapes:
    return [bottoms[0]] * len(layer.top)


def _score(layer: Message, bottoms: Shapes) -> Shapes:
    """A number; a second top as large as the scores."""
    return [(), bottoms[0]]


def _accuracy(layer: Message, bottoms: Shapes) -> Shapes:
    return [(), (bottoms[0][canonical_axis(layer.accuracy_param.axis, len(bottoms[0]))],)]


def _convolution(layer: Message, bottoms: Shapes) -> Shapes:
    sizes, parameter = geometry(layer), layer.convolution_param
    result = []
    for shape in bottoms:
        axis = canonical_axis(parameter.axis, len(shape))
        spread = sizes.spread(len(shape) - axis - 1)
        up = layer.type == "Deconvolution"
        ends = [spread.size_of(i, n, up) for i, n in enumerate(shape[axis + 1 :])]
        result.append((*shape[:axis], parameter.num_output, *ends))
    return result


def _pooling(layer: Message, bottoms: Shapes) -> Shapes:
    high, wide = pool_of(layer).windows(bottoms[0])
    return [(*bottoms[0][:2], high.count, wide.count)] * len(layer.top)


def _spp(layer: Message, bottoms: Shapes) -> Shapes:
    bins = sum(4**i for i in range(layer.spp_param.pyramid_height))
    return [(bottoms[0][0], bottoms[0][1] * bins)]


def _inner_product(layer: Message, bottoms: Shapes) -> Shapes:
    parameter = layer.inner_product_param
    axis = canonical_axis(parameter.axis, len(bottoms[0]))
    return [(*bottoms[0][:axis], parameter.num_output)]


def _embed(layer: Message, bottoms: Shapes) -> Shapes:
    return [(*bottoms[0], layer.embed_param.num_output)]


def _concat(layer: Message, bottoms: Shapes) -> Shapes:
    parameter, first = layer.concat_param, bottoms[0]
    given = parameter.concat_dim if parameter.has("concat_dim") else parameter.axis
    axis = canonical_axis(given, len(first))
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in bottoms}) > 1:
        raise ValueError(f"shapes {list(bottoms)} differ elsewhere than on axis {axis}")
    return [(*first[:axis], sum(shape[axis] for shape in bottoms), *first[axis + 1 :])]


def _slice(layer: Message, bottoms: Shapes) -> Shapes:
    parameter, shape = layer.slice_param, bottoms[0]
    given = parameter.slice_dim if parameter.has("slice_dim") else parameter.axis
    axis, count = canonical_axis(given, len(shape)), len(layer.top)
    points = list(parameter.slice_point) or [shape[axis] // count * i for i in range(1, count)]
    ends = zip([0, *points], [*points, shape[axis]], strict=True)
    return [(*shape[:axis], end - start, *shape[axis + 1 :]) for start, end in ends]


def _tile(layer: Message, bottoms: Shapes) -> Shapes:
    shape = list(bottoms[0])
    shape[canonical_axis(layer.tile_param.axis, len(shape))] *= layer.tile_param.tiles
    return [tuple(shape)]


def _flatten(layer: Message, bottoms: Shapes) -> Shapes:
    shape, parameter = bottoms[0], layer.flatten_param
    first = canonical_axis(parameter.axis, len(shape))
    end = canonical_axis(parameter.end_axis, len(shape)) + 1
    return [(*shape[:first], prod(shape[first:end]), *shape[end:])]


def _reshape(layer: Message, bottoms: Shapes) -> Shapes:
    parameter = layer.reshape_param
    dims = tuple(parameter.shape.dim)
    return [reshaped(bottoms[0], dims, parameter.axis, parameter.num_axes)]


def _crop(layer: Message, bottoms: Shapes) -> Shapes:
    spans = cropped(bottoms[0], bottoms[1], layer.crop_param.axis, list(layer.crop_param.offset))
    return [tuple(span.stop - span.start for span in spans)]


def _permute(layer: Message, bottoms: Shapes) -> Shapes:
    axes = permutation(list(layer.permute_param.order), len(bottoms[0]))
    return [tuple(bottoms[0][axis] for axis in axes)]


def _reduction(layer: Message, bottoms: Shapes) -> Shapes:
    return [bottoms[0][: canonical_axis(layer.reduction_param.axis, len(bottoms[0]))]]


def _free(layer: Message, bottoms: Shapes) -> Shapes:
    return [tuple(layer.parameter_param.shape.dim)]


_SAME = "AbsVal BatchNorm Bias BNLL Clip Dropout Eltwise ELU Exp Log LRN MVN Power PReLU ReLU Scale"
_SAME += " Sigmoid Softmax Split Swish TanH Threshold"
_SCORES = "ContrastiveLoss EuclideanLoss HingeLoss InfogainLoss MultinomialLogisticLoss"
_SCORES += " SigmoidCrossEntropyLoss SoftmaxWithLoss"
RULES: dict[str, Callable[[Message, Shapes], Shapes]] = {
    **dict.fromkeys(_SAME.split(), _same),
    **dict.fromkeys(_SCORES.split(), _score),
    "Accuracy": _accuracy,
    "Concat": _concat,
    "Convolution": _convolution,
    "Crop": _crop,
    "Deconvolution": _convolution,
    "Embed": _embed,
    "Flatten": _flatten,
    "InnerProduct": _inner_product,
    "Parameter": _free,
    "Permute": _permute,
    "Pooling": _pooling,
    "Reduction": _reduction,
    "Reshape": _reshape,
    "Slice": _slice,
    "SPP": _spp,
    "Tile": _tile,
}


def tops_of(layer: Message, bottoms: Shapes) -> Shapes | None:
    """The shapes of a layer's tops; None where they are not known.

    Args:
        layer: The ``LayerParameter``.
        bottoms: The shapes of its bottoms.

    Raises:
        ValueError: The layer cannot take them.

    Example:
        >>> layer = Message("LayerParameter", type="InnerProduct", top=["y"])
        >>> layer.set("inner_product_param", Message("InnerProductParameter", num_output=5))
        >>> tops_of(layer, [(2, 3, 4, 4)])
        [(2, 5)]
    """
    rule = RULES.get(layer.type)
    return None if rule is None else rule(layer, bottoms)


def data_shapes(layer: Message) -> list[Shape] | None:
    """The shapes of a data layer's tops, where the prototxt says them."""
    count = len(layer.top)
    if layer.type == "Input":
        return _spread([tuple(s.dim) for s in layer.input_param.shape], count)
    if layer.type == "DummyData":
        return _spread(_dummy(layer.dummy_data_param), count)
    if layer.type == "MemoryData":
        p = layer.memory_data_param
        return [(p.batch_size, p.channels, p.height, p.width), (p.batch_size,)][:count]
    return None


def _spread(shapes: list[Shape], count: int) -> list[Shape] | None:
    if len(shapes) == 1:
        return shapes * count
    return shapes if len(shapes) == count else None


def _dummy(parameter: Any) -> list[Shape]:
    if parameter.has("shape"):
        return [tuple(shape.dim) for shape in parameter.shape]
    sizes = (parameter.num, parameter.channels, parameter.height, parameter.width)
    return list(zip(*sizes, strict=False))
