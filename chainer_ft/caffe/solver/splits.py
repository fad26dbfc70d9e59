"""The layers of a net as Caffe keeps and saves them: with Split layers, phases, loss weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chainer_ft.caffe.message import Message

_Top = tuple[int, int]  # a layer's index, and the top's in it
LOSSES = frozenset(
    {
        "ContrastiveLoss",
        "EuclideanLoss",
        "HingeLoss",
        "InfogainLoss",
        "MultinomialLogisticLoss",
        "SigmoidCrossEntropyLoss",
        "SoftmaxWithLoss",
    }
)
_STATISTICS = 3  # blobs of a BatchNorm


def saved_layers(layers: Sequence[Message], phase: str) -> list[Message]:
    """What Caffe makes of the layers of a net while it builds it, which snapshots show.

    Args:
        layers: Those that are in the net, upgraded.
        phase: The net's.

    Returns:
        list: New messages.
    """
    return [_finished(layer, phase) for layer in with_splits(layers)]


def _finished(layer: Message, phase: str) -> Message:
    if not layer.has("phase"):
        layer.set("phase", phase)
    if layer.type in LOSSES and not layer.has("loss_weight"):
        layer.set("loss_weight", [1.0])
    if layer.type == "BatchNorm":
        for _ in range(len(layer.param), _STATISTICS):
            layer.add("param", Message("ParamSpec", lr_mult=0.0))
    return layer


@dataclass
class _Uses:
    """Who reads each top, by the rule that a name means the last top that was called so."""

    sources: dict[_Top, _Top] = field(default_factory=dict)  # of bottoms
    counts: dict[_Top, int] = field(default_factory=dict)
    weights: dict[_Top, float] = field(default_factory=dict)
    given: dict[_Top, int] = field(default_factory=dict)

    @classmethod
    def of(cls, layers: Sequence[Message]) -> _Uses:
        uses, last = cls(), dict[str, _Top]()
        for i, layer in enumerate(layers):
            for j, name in enumerate(layer.bottom):
                if name in last:  # whoever builds the net says that it is not
                    uses.sources[i, j] = last[name]
                    uses.counts[last[name]] = uses.counts.get(last[name], 0) + 1
            last.update({name: (i, j) for j, name in enumerate(layer.top)})
            for name, weight in zip(layer.top, layer.loss_weight, strict=False):
                uses.weights[last[name]] = weight
                if weight:  # being a loss is a use, too
                    uses.counts[last[name]] = uses.counts.get(last[name], 0) + 1
        return uses

    def is_split(self, top: _Top) -> bool:
        return self.counts.get(top, 0) > 1

    def next_of(self, top: _Top) -> int:
        """The number of the split's top that the next reader gets."""
        self.given[top] = self.given.get(top, -1) + 1
        return self.given[top]


def with_splits(layers: Sequence[Message]) -> Iterator[Message]:
    """Copies of the layers, with a Split layer behind each top that is read more than once.

    Example:
        >>> source = Message("LayerParameter", name="in", type="Input", top=["x"])
        >>> relu = Message("LayerParameter", name="a", type="ReLU", bottom=["x"], top=["a"])
        >>> last = Message("LayerParameter", name="b", type="ReLU", bottom=["x"], top=["b"])
        >>> [(layer.name, layer.bottom) for layer in with_splits([source, relu, last])][1:3]
        [('x_in_0_split', ['x']), ('a', ['x_in_0_split_0'])]
    """
    uses = _Uses.of(layers)
    for i, original in enumerate(layers):
        layer = original.copy()
        if layer.bottom:
            layer.set("bottom", [_bottom(uses, layers, (i, j)) for j in range(len(layer.bottom))])
        splits = [_split(uses, layer, (i, j)) for j in range(len(layer.top))]
        yield layer
        yield from (split for split in splits if split is not None)


def _bottom(uses: _Uses, layers: Sequence[Message], place: _Top) -> str:
    name: str = layers[place[0]].bottom[place[1]]
    top = uses.sources.get(place)
    if top is None or not uses.is_split(top):
        return name
    return f"{_name(name, layers[top[0]].name, top[1])}_{uses.next_of(top)}"


def _split(uses: _Uses, layer: Message, top: _Top) -> Message | None:
    """The Split layer of a top, which takes its loss weight over."""
    if not uses.is_split(top):
        return None
    blob, count, weight = layer.top[top[1]], uses.counts[top], uses.weights.get(top, 0.0)
    name = _name(blob, layer.name, top[1])
    made = Message("LayerParameter", name=name, type="Split", bottom=[blob])
    made.set("top", [f"{name}_{k}" for k in range(count)])
    if weight:
        made.set("loss_weight", [weight, *[0.0] * (count - 1)])
        layer.clear("loss_weight")
        uses.next_of(top)
    return made


def _name(blob: str, layer: str, index: int) -> str:
    return f"{blob}_{layer}_{index}_split"
