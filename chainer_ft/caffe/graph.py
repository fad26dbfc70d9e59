"""A net as a graph: which layer reads what of which. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.splits import Top, insert_splits
from chainer_ft.caffe.text_tokens import PrototxtError
from chainer_ft.errors import UsageError
from chainer_ft.select import nearest

AUTOMATIC = "(automatic)"


@dataclass(frozen=True)
class Node:
    """A layer in its place.

    Args:
        layer: The ``LayerParameter``.
        bottoms: The tops that it reads.
        tops: Names; a loss layer without a top has ``(automatic)``.
        loss_weights: One for each top.
    """

    layer: Message
    bottoms: tuple[Top, ...]
    tops: tuple[str, ...]
    loss_weights: tuple[float, ...]


@dataclass(frozen=True)
class Graph:
    """The layers of a net, Split layers among them.

    Args:
        nodes: In the order in which they run.
        data: Indices of those whose tops come from outside.
        outputs: The blobs that no layer reads, in the order of Caffe's logs.
    """

    nodes: tuple[Node, ...]
    data: tuple[int, ...]
    outputs: tuple[str, ...]

    @cached_property
    def last(self) -> Mapping[str, Top]:
        """What a name means at the end: the top of the last layer that writes it."""
        return {
            name: Top(i, j) for i, node in enumerate(self.nodes) for j, name in enumerate(node.tops)
        }

    @cached_property
    def inputs(self) -> Mapping[str, Top]:
        """The blobs that come from outside."""
        return {name: Top(i, j) for i in self.data for j, name in enumerate(self.nodes[i].tops)}

    @cached_property
    def losses(self) -> tuple[tuple[Top, float], ...]:
        """The tops that make the loss, and their weights."""
        return tuple(
            (Top(i, j), weight)
            for i, node in enumerate(self.nodes)
            for j, weight in enumerate(node.loss_weights)
            if weight != 0
        )

    def find(self, name: str) -> Top:
        """The top that a name means when it is asked for.

        Raises:
            UsageError: There is none.
        """
        if name not in self.last:
            raise UsageError(f"the net has no blob {name!r}; {nearest(name, self.last)}")
        return self.last[name]

    def find_input(self, name: str) -> Top:
        """The top that a name means when it is given: a data layer's, if one has it."""
        return self.inputs.get(name) or self.find(name)

    def needed(self, wanted: Iterable[Top], given: Iterable[Top]) -> list[int]:
        """The nodes that have to run.

        Args:
            wanted: Tops to compute.
            given: Tops that are there already.

        Raises:
            UsageError: A blob from outside is needed, and not given.
        """
        known, found = set(given), set[int]()
        todo = [top for top in wanted if top not in known]
        while todo:
            top = todo.pop()
            if top.layer in found:
                continue
            if top.layer in self.data:
                raise UsageError(_missing(self.nodes[top.layer], top))
            found.add(top.layer)
            todo += [b for b in self.nodes[top.layer].bottoms if b not in known]
        return sorted(found)

    def order(self, wanted: Iterable[Top] | None, given: Iterable[Top]) -> list[int]:
        """The nodes to run, as :meth:`needed`; all of them where nothing is wanted by name."""
        if wanted is not None:
            return self.needed(wanted, given)
        computed = [i for i in range(len(self.nodes)) if i not in self.data]
        self.needed([bottom for i in computed for bottom in self.nodes[i].bottoms], given)
        return computed


def _missing(node: Node, top: Top) -> str:
    name = node.tops[top.index]
    return (
        f"the blob {name!r} of layer {node.layer.name!r} ({node.layer.type}) is needed: "
        f"give inputs={{{name!r}: array}}"
    )


def make_graph(
    layers: Sequence[Message], data_types: frozenset[str], losses: frozenset[str], loose: bool
) -> Graph:
    """Put the layers of a net in their places.

    Args:
        layers: Those that the rules keep.
        data_types: Types of layers whose tops come from outside.
        losses: Types of layers that are losses.
        loose: A bottom that no layer writes comes from outside, and is no error.

    Raises:
        PrototxtError: A bottom that nobody writes, or a blob that two layers write.
    """
    split = insert_splits(_with_inputs(layers) if loose else layers)
    nodes: list[Node] = []
    last: dict[str, Top] = {}
    free: dict[str, None] = {}
    for i, layer in enumerate(split):
        bottoms = tuple(last[name] for name in layer.bottom)
        for name in layer.bottom:
            free.pop(name, None)
        nodes.append(_node(layer, bottoms, layer.type in losses))
        _check_tops(layer, last)
        last.update({name: Top(i, j) for j, name in enumerate(layer.top)})
        free.update(dict.fromkeys(layer.top))
    data = tuple(i for i, node in enumerate(nodes) if node.layer.type in data_types)
    return Graph(tuple(nodes), data, tuple(sorted(free, key=lambda name: name.encode())))


def _with_inputs(layers: Sequence[Message]) -> list[Message]:
    """The layers, behind an Input layer of all that they read and nobody writes."""
    written: set[str] = set()
    missing: dict[str, None] = {}
    for layer in layers:
        missing.update(dict.fromkeys(b for b in layer.bottom if b not in written))
        written.update(layer.top)
    if not missing:
        return list(layers)
    first = Message("LayerParameter", layers[0].where(), name="input", type="Input")
    first.set("top", list(missing))
    return [first, *layers]


def _node(layer: Message, bottoms: tuple[Top, ...], is_loss: bool) -> Node:
    tops = tuple(layer.top) or ((AUTOMATIC,) if is_loss else ())
    weights = tuple(_weights(layer, len(tops), is_loss))
    if layer.has("propagate_down") and len(layer.propagate_down) != len(bottoms):
        raise PrototxtError(
            f"{layer.where('propagate_down')}: layer {layer.name!r}: propagate_down is given "
            f"{len(layer.propagate_down)} times for {len(bottoms)} bottoms; once for each, or never"
        )
    return Node(layer, bottoms, tops, weights)


def _weights(layer: Message, tops: int, is_loss: bool) -> Iterator[float]:
    given = layer.loss_weight
    if len(given) > tops or (0 < len(given) < tops and not is_loss):
        raise PrototxtError(
            f"{layer.where('loss_weight')}: layer {layer.name!r}: loss_weight is given "
            f"{len(given)} times for {tops} tops; once for each, or never"
        )
    for i in range(tops):
        yield given[i] if i < len(given) else float(is_loss and not given and i == 0)


def _check_tops(layer: Message, last: Mapping[str, Top]) -> None:
    for j, name in enumerate(layer.top):
        in_place = j < len(layer.bottom) and layer.bottom[j] == name
        if (name in last and not in_place) or name in layer.top[:j]:
            raise PrototxtError(
                f"{layer.where('top', j)}: layer {layer.name!r} writes the blob {name!r}, which "
                "another layer writes too; give one of them another name"
            )
