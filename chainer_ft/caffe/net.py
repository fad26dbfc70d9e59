"""A Caffe net as a Chainer chain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import chainer
import chainer.functions as F  # noqa: N812
import numpy as np

from chainer_ft.caffe.binary_reader import BytePlace
from chainer_ft.caffe.blobs import CaffeBlob, blobs_of
from chainer_ft.caffe.building import build_layer
from chainer_ft.caffe.graph import Graph, Node, make_graph
from chainer_ft.caffe.layers import DATA_LAYERS, KINDS
from chainer_ft.caffe.layers.base import layer_error
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import read_net
from chainer_ft.caffe.sharing import share, share_layers
from chainer_ft.caffe.splits import Top
from chainer_ft.caffe.state import kept_layers, net_state
from chainer_ft.errors import ChainerFTError, UsageError
from chainer_ft.host import Host, default_host
from chainer_ft.training.parameters import tune

if TYPE_CHECKING:
    from chainer_ft.types import Outcome

Array = Any
Inputs = Mapping[str, Any]
_LOSSES = frozenset(name for name, kind in KINDS.items() if kind.is_loss)


@dataclass(frozen=True)
class Pass:
    """What one pass through a net gave.

    Args:
        blobs: The blobs that were computed or given, by name, as the last layer left them.
        loss: The weighted sum of all losses; None if none was computed.
    """

    blobs: Mapping[str, chainer.Variable]
    loss: chainer.Variable | None


class Net(chainer.Chain):  # type: ignore[misc]
    """A Caffe net, built from its prototxt or from a ``.caffemodel`` alone.

    Its children are called as the layers that have weights are, and keep them under Chainer's
    names: ``net.conv1_1.W``. A layer with ``lr_mult: 0`` is frozen.

    Args:
        net: A prototxt of any year, a ``.caffemodel``, whose weights are copied then, or a
            ``NetParameter``.
        phase: ``TRAIN`` or ``TEST``: which layers there are, and how Dropout and BatchNorm work.
            By default the net's own, else ``TEST``. ``chainer.config.train = False`` turns
            Dropout and batch statistics off in any phase.
        stages: Stages for the layers' rules.
        level: Level for the layers' rules.
        host: The plugins to ask for layers; the installed ones by default.

    Attributes:
        name: As written in the file.
        phase: ``TRAIN`` or ``TEST``.
        graph: The layers, Split layers among them, and what they read.
        copied: What was copied from the ``.caffemodel``; None without one.

    Raises:
        FormatError: The net cannot be read or built; with file, line, column and layer.

    Example:
        >>> import numpy as np
        >>> from chainer_ft.caffe.prototxt import parse_net
        >>> net = Net(parse_net('''
        ...     layer { name: "data" type: "Input" top: "data" }
        ...     layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        ...             inner_product_param { num_output: 2 } }
        ...     layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }'''))
        >>> (prob,) = net(inputs={"data": np.zeros((1, 3), "f4")}, outputs=["prob"])
        >>> prob.array.tolist(), net.fc.W.shape
        ([[0.5, 0.5]], (2, 3))
    """

    def __init__(
        self,
        net: str | os.PathLike[str] | Message,
        phase: str | None = None,
        stages: Sequence[str] = (),
        level: int | None = None,
        host: Host | None = None,
    ) -> None:
        super().__init__()
        message = net if isinstance(net, Message) else read_net(net)
        is_stored = isinstance(message.place, BytePlace)
        if is_stored:
            message = _without_rules(message)
        state = net_state(message, phase, stages, level)
        self.message, self.phase = message, state.phase
        layers = kept_layers(message, state)
        self.graph: Graph = make_graph(layers, DATA_LAYERS, _LOSSES, loose=is_stored)
        self._calls: dict[int, Callable[..., Any]] = {}
        self._links: dict[int, str] = {}
        self._orders: dict[Any, list[int]] = {}
        self._blobs = tuple(share(list(self._build(host or default_host()))))
        self._freeze()
        self.copied: Outcome | None = None
        if is_stored and self._blobs and not isinstance(net, Message):
            from chainer_ft.transfer import copy

            self.copied = copy(net, self, host=host)

    def forward(
        self, inputs: Inputs | Array | None = None, outputs: Iterable[str] | None = None
    ) -> tuple[chainer.Variable, ...]:
        """Compute blobs, and only what they need.

        Args:
            inputs: Arrays or Variables by name, of data layers or of any other blob; what only
                these need is not computed. An array alone is the first blob from outside.
            outputs: Names; by default those that no layer reads, in the order of Caffe's logs.

        Returns:
            tuple of ~chainer.Variable: The outputs.

        Raises:
            UsageError: There is no such blob, or one from outside is needed and not given.
            NetError: A layer cannot take what it is given; with file, line and layer.
        """
        names = self.output_blobs if outputs is None else tuple(outputs)
        tops = [self.graph.find(name) for name in names]
        values = self._run(self._named(inputs), tops)
        return tuple(values[top] for top in tops)

    def run(self, inputs: Inputs | Array | None = None) -> Pass:
        """Run all layers, those that lead nowhere too, as Caffe does.

        Args:
            inputs: As for a call.
        """
        values = self._run(self._named(inputs), None)
        graph = self.graph
        blobs = {name: values[top] for name, top in graph.last.items() if top in values}
        return Pass(blobs, _total(graph, values))

    def loss(self, inputs: Inputs | Array | None = None) -> chainer.Variable:
        """The weighted sum of all losses.

        Args:
            inputs: As for a call.

        Raises:
            UsageError: The net has no loss.
        """
        tops = [top for top, _ in self.graph.losses]
        total = _total(self.graph, self._run(self._named(inputs), tops))
        if total is None:
            raise UsageError(
                f"{self.message.where()}: this net has no loss in phase {self.phase}; add a loss "
                "layer, or build it with phase='TRAIN'"
            )
        return total

    def params_in_order(self) -> tuple[CaffeBlob, ...]:
        """All blobs of all layers, statistics too, in Caffe's order."""
        return self._blobs

    @property
    def layers(self) -> tuple[Message, ...]:
        """The layers in the order in which they run, Split layers among them."""
        return tuple(node.layer for node in self.graph.nodes)

    @property
    def data_layers(self) -> tuple[Message, ...]:
        """The layers whose tops are inputs here."""
        return tuple(self.graph.nodes[i].layer for i in self.graph.data)

    @property
    def input_blobs(self) -> tuple[str, ...]:
        """Names of the blobs that come from outside."""
        return tuple(self.graph.inputs)

    @property
    def output_blobs(self) -> tuple[str, ...]:
        """Names of the blobs that no layer reads, in the order of Caffe's logs."""
        return self.graph.outputs

    @property
    def loss_blobs(self) -> dict[str, float]:
        """Names of the blobs that make the loss, with their weights."""
        nodes = self.graph.nodes
        return {nodes[t.layer].tops[t.index]: weight for t, weight in self.graph.losses}

    def share_with(self, other: Net) -> tuple[str, ...]:
        """Use the parameters and statistics of another net's layers of the same names.

        Args:
            other: The net that is trained; both have the same shapes.

        Returns:
            tuple of str: Layers of the other net that this one does not have.

        Raises:
            ArrayError: A layer has other blobs there.
        """
        return share_layers(self.layers, self._blobs, other.layers, other._blobs)

    def _build(self, host: Host) -> Iterator[CaffeBlob]:
        for i, node in enumerate(self.graph.nodes):
            if i in self.graph.data:
                continue
            call = build_layer(node.layer, self.phase, host)
            count = 0
            if isinstance(call, chainer.Link):
                child = self._add(i, node.layer.name, call)
                found = list(blobs_of(node.layer, call, f"/{child}"))
                count = len(found)
                yield from found
            else:
                self._calls[i] = call
            if len(node.layer.param) > count:
                trouble = f"has {len(node.layer.param)} param for {count} blobs"
                raise layer_error(node.layer, trouble, "param")

    def _add(self, index: int, name: str, link: chainer.Link) -> str:
        """Make a link a child, under its layer's name if that is free."""
        child = name.strip("/") or f"unnamed_{index}"
        if child in self._children:
            child += f"#{index}"
        while hasattr(self, child):  # a layer called `copy` is no reason to lose the method
            child += "_"
        self.add_link(child, link)
        self._links[index] = child
        return child

    def _freeze(self) -> None:
        for blob in self._blobs:
            if blob.parameter is not None and blob.lr_mult == 0:
                tune(blob.parameter, f"/{blob.layer}/{blob.name}", frozen=True)

    def _named(self, inputs: Inputs | Array | None) -> dict[Top, chainer.Variable]:
        if inputs is None:
            inputs = {}
        elif not isinstance(inputs, Mapping):
            if not self.input_blobs:
                raise UsageError("this net has no input; name the blob: net({'blob': array})")
            inputs = {self.input_blobs[0]: inputs}
        return {self.graph.find_input(n): self._variable(value) for n, value in inputs.items()}

    def _variable(self, value: Any) -> chainer.Variable:
        """An input as float32, on the device of the net; a Variable keeps its graph."""
        if isinstance(value, chainer.Variable):
            return value
        array = self.device.send(value if hasattr(value, "dtype") else np.asarray(value))
        array = array if array.dtype == np.float32 else array.astype(np.float32)
        return chainer.Variable(array, requires_grad=bool(self.message.force_backward))

    def _run(self, given: dict[Top, Any], wanted: list[Top] | None) -> dict[Top, Any]:
        key = (frozenset(given), None if wanted is None else frozenset(wanted))
        if key not in self._orders:
            self._orders[key] = self.graph.order(wanted, given)
        values = dict(given)
        for i in self._orders[key]:
            node = self.graph.nodes[i]
            made = self._call(i, node, [values[bottom] for bottom in node.bottoms])
            values.update({Top(i, j): y for j, y in enumerate(made) if Top(i, j) not in given})
        return values

    def _call(self, index: int, node: Node, bottoms: list[Any]) -> tuple[Any, ...]:
        call = self._calls.get(index)
        if call is None:
            call = self.__dict__[self._links[index]]
        if node.layer.has("propagate_down"):
            bottoms = _cut(bottoms, node.layer.propagate_down)
        try:
            made = call(*bottoms)
        except (ChainerFTError, MemoryError):
            raise
        except Exception as error:
            shapes = ", ".join(str(x.shape) for x in bottoms)
            trouble = f"with bottoms of shape {shapes}: {type(error).__name__}: {error}"
            raise layer_error(node.layer, trouble) from error
        return made if isinstance(made, tuple) else (made,)


def _cut(bottoms: list[Any], propagate_down: Sequence[bool]) -> list[Any]:
    """The bottoms, without gradient where the layer wants none."""
    return [
        x if wanted else chainer.Variable(x.array, requires_grad=False)
        for x, wanted in zip(bottoms, propagate_down, strict=True)
    ]


def _total(graph: Graph, values: Mapping[Top, Any]) -> chainer.Variable | None:
    total = None
    for top, weight in graph.losses:
        if top in values:
            part = F.sum(values[top]) if values[top].ndim else values[top]
            part = part if weight == 1 else part * weight
            total = part if total is None else total + part
    return total


def _without_rules(stored: Message) -> Message:
    """The net of a file of weights: its layers were chosen when it was written."""
    net = stored.copy()
    for layer in net.layer:
        layer.clear("include", "exclude", "phase")
    return net
