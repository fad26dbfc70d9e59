"""Split layers, which Caffe puts behind every blob that more than one layer reads. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.text_tokens import PrototxtError
from chainer_ft.select import nearest


@dataclass(frozen=True)
class Top:
    """A top of a layer: its layer's and its own index."""

    layer: int
    index: int


@dataclass(frozen=True)
class _Uses:
    """Who writes what each bottom reads, and how often each top is read."""

    sources: dict[tuple[int, int], Top]
    counts: Counter[Top]


def insert_splits(layers: Sequence[Message], loose: bool = False) -> list[Message]:
    """The layers with Split layers between them, named and wired as Caffe does.

    Args:
        layers: The layers of a net, in order; they are not changed.
        loose: A bottom that no layer writes is an input, and no error.

    Raises:
        PrototxtError: A layer reads a blob that no layer before it writes.

    Example:
        >>> from chainer_ft.caffe.prototxt import parse_net
        >>> net = parse_net('layer { name: "d" type: "Input" top: "x" }'
        ...                 'layer { name: "a" bottom: "x" } layer { name: "b" bottom: "x" }')
        >>> [layer.name for layer in insert_splits(net.layer)]
        ['d', 'x_d_0_split', 'a', 'b']
    """
    uses = _uses(layers, loose)
    done: Counter[Top] = Counter()
    result = []
    for i, original in enumerate(layers):
        layer = original.copy()
        for j in range(len(layer.bottom)):
            layer.bottom[j] = _next_name(layers, uses, done, i, j)
        result.append(layer)
        for j in range(len(layer.top)):
            if uses.counts[Top(i, j)] > 1:
                result.append(_split(original, j, uses.counts[Top(i, j)]))
                if _has_weight(original, j):  # the first top of the split is the loss
                    done[Top(i, j)] += 1
                    layer.clear("loss_weight")
    return result


def split_name(layer: str, blob: str, index: int) -> str:
    """Name of the Split layer behind a top."""
    return f"{blob}_{layer}_{index}_split"


def _uses(layers: Sequence[Message], loose: bool) -> _Uses:
    writers: dict[str, Top] = {}
    sources: dict[tuple[int, int], Top] = {}
    counts: Counter[Top] = Counter()
    for i, layer in enumerate(layers):
        for j, blob in enumerate(layer.bottom):
            top = writers.get(blob)
            if top is None and not loose:
                hint = nearest(blob, writers) if writers else "it is the first layer"
                raise PrototxtError(
                    f"{layer.where('bottom', j)}: layer {layer.name!r} reads the blob {blob!r}, "
                    f"which no layer before it writes in this phase; {hint}"
                )
            if top is not None:
                sources[i, j] = top
                counts[top] += 1
        writers.update({blob: Top(i, j) for j, blob in enumerate(layer.top)})
        for j in range(len(layer.top)):
            counts[Top(i, j)] += _has_weight(layer, j)
    return _Uses(sources, counts)


def _has_weight(layer: Message, index: int) -> bool:
    """Whether a top has a loss weight that is written down: that is a use of it, too."""
    return index < len(layer.loss_weight) and layer.loss_weight[index] != 0


def _next_name(
    layers: Sequence[Message], uses: _Uses, done: Counter[Top], layer: int, index: int
) -> str:
    blob: str = layers[layer].bottom[index]
    top = uses.sources.get((layer, index))
    if top is None or uses.counts[top] < 2:
        return blob
    name = f"{split_name(layers[top.layer].name, blob, top.index)}_{done[top]}"
    done[top] += 1
    return name


def _split(layer: Message, index: int, count: int) -> Message:
    blob = layer.top[index]
    name = split_name(layer.name, blob, index)
    made = Message("LayerParameter", layer.where("top", index), name=name, type="Split")
    made.set("bottom", [blob])
    made.set("top", [f"{name}_{i}" for i in range(count)])
    if _has_weight(layer, index):
        made.set("loss_weight", [layer.loss_weight[index], *[0.0] * (count - 1)])
    return made
