"""A Caffe net as a Chainer chain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import chainer

from chainer_ft.caffe.assembly import assemble, copy_weights, lay_out
from chainer_ft.caffe.binary_reader import BytePlace
from chainer_ft.caffe.blobs import CaffeBlob
from chainer_ft.caffe.graph import Graph, make_graph
from chainer_ft.caffe.layers import DATA_LAYERS, LOSSES
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import read_net
from chainer_ft.caffe.running import Inputs, Pass, Runner, as_inputs, total_loss
from chainer_ft.caffe.sharing import share_layers
from chainer_ft.caffe.sharing_chain import SharingChain
from chainer_ft.caffe.splits import Top
from chainer_ft.caffe.state import kept_layers, net_state, without_rules
from chainer_ft.errors import UsageError
from chainer_ft.host import Host, default_host

if TYPE_CHECKING:
    from chainer_ft.types import Outcome

Array = Any


class Net(SharingChain):
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
            message = without_rules(message)
        state = net_state(message, phase, stages, level)
        self.message, self.phase = message, state.phase
        layers = kept_layers(message, state)
        self.graph: Graph = make_graph(layers, DATA_LAYERS, LOSSES, loose=is_stored)
        self.copied: Outcome | None = None
        self._runner = Runner(self.graph)
        self._layers = assemble(self.graph, self.phase, host or default_host(), dir(self))
        for name, link in self._layers.children.items():
            self.add_link(name, link)
        if is_stored and self._layers.blobs and not isinstance(net, Message):
            self.copied = copy_weights(net, self, self._layers.blobs, host)
        lay_out(self.graph, self._layers)

    def forward(
        self, inputs: Inputs | Array | None = None, outputs: Iterable[str] | str | None = None
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
        outputs = [outputs] if isinstance(outputs, str) else outputs
        names = self.output_blobs if outputs is None else tuple(outputs)
        tops = [self.graph.find(name) for name in names]
        values = self._runner.run(self._call_of, self._given(inputs), tops)
        return tuple(values[top] for top in tops)

    def run(self, inputs: Inputs | Array | None = None) -> Pass:
        """Run all layers, those that lead nowhere too, as Caffe does.

        Args:
            inputs: As for a call.
        """
        values = self._runner.run(self._call_of, self._given(inputs), None)
        blobs = {name: values[top] for name, top in self.graph.last.items() if top in values}
        return Pass(blobs, total_loss(self.graph, values))

    def loss(self, inputs: Inputs | Array | None = None) -> chainer.Variable:
        """The weighted sum of all losses.

        Args:
            inputs: As for a call.

        Raises:
            UsageError: The net has no loss.
        """
        tops = [top for top, _ in self.graph.losses]
        total = total_loss(self.graph, self._runner.run(self._call_of, self._given(inputs), tops))
        if total is None:
            where, hint = self.message.where(), "add one, or build it with phase='TRAIN'"
            raise UsageError(f"{where}: no loss in phase {self.phase}; {hint}")
        return total

    def params_in_order(self) -> tuple[CaffeBlob, ...]:
        """All blobs of all layers, statistics too, in Caffe's order."""
        return self._layers.blobs

    def multipliers(self) -> tuple[dict[str, float], dict[str, float]]:
        """What rates and weight decay are multiplied by, for ``chainer_ft.learning_rates``.

        Returns:
            tuple: ``lr_mult`` by path, without what is frozen, and ``decay_mult`` by path.
        """
        live = [blob for blob in self._layers.blobs if blob.lr_mult and blob.owner is None]
        return {b.path: b.lr_mult for b in live}, {b.path: b.decay_mult for b in live}

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

        Returns:
            tuple of str: Layers of the other net that this one does not have.

        Raises:
            ArrayError: A layer has other blobs there.
        """
        return share_layers(self.layers, self._layers.blobs, other.layers, other._layers.blobs)

    def _given(self, inputs: Inputs | Array | None) -> dict[Top, chainer.Variable]:
        return as_inputs(self.graph, inputs, self.device, bool(self.message.force_backward))

    def _call_of(self, index: int) -> Callable[..., Any]:
        """What computes a layer; looked up by name, so that a child can be replaced."""
        name = self._layers.links.get(index)
        return self._layers.calls[index] if name is None else self.__dict__[name]
