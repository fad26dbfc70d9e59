"""Runs the layers of a net, those that are needed, and forgets what no layer reads any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import chainer
import chainer.functions as F  # noqa: N812
import numpy as np

from chainer_ft.caffe.graph import Graph, Node
from chainer_ft.caffe.layers.base import layer_error
from chainer_ft.caffe.splits import Top
from chainer_ft.errors import ChainerFTError, UsageError

Variable = Any
Values = dict[Top, Variable]
Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """A layer to run.

    Args:
        index: Of its node.
        tops: What it computes.
        last_used: Blobs that are not needed after it.
    """

    index: int
    tops: tuple[Top, ...]
    last_used: tuple[Top, ...]


@dataclass(frozen=True)
class Pass:
    """What one pass through a net gave.

    Args:
        blobs: The blobs that were computed or given, by name, as the last layer left them.
        loss: The weighted sum of all losses; None if none was computed.
    """

    blobs: Mapping[str, chainer.Variable]
    loss: chainer.Variable | None


class Runner:
    """Runs a graph.

    Args:
        graph: The layers.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._plans: dict[Any, tuple[Step, ...]] = {}

    def run(
        self,
        call_of: Callable[[int], Callable[..., Any]],
        given: Mapping[Top, Variable],
        wanted: Iterable[Top] | None,
    ) -> Values:
        """Compute tops.

        Args:
            call_of: Gives what computes the layer of an index.
            given: Tops that are there already.
            wanted: Tops to compute; None runs all layers and keeps every blob as its last layer
                leaves it.

        Returns:
            dict: At least the tops that are wanted.
        """
        kept = self._all() if wanted is None else frozenset(wanted)
        key = (frozenset(given), kept, wanted is None)
        if key not in self._plans:
            order = self._graph.order(None if wanted is None else kept, given)
            self._plans[key] = tuple(_steps(self._graph, order, kept, given))
        values = dict(given)
        for step in self._plans[key]:
            node = self._graph.nodes[step.index]
            made = _called(call_of(step.index), node, [values[b] for b in node.bottoms])
            values.update((top, made[top.index]) for top in step.tops)
            for top in step.last_used:
                del values[top]
        return values

    def _all(self) -> frozenset[Top]:
        return frozenset((*self._graph.last.values(), *(top for top, _ in self._graph.losses)))


def _steps(
    graph: Graph, order: Sequence[int], kept: frozenset[Top], given: Mapping[Top, Variable]
) -> list[Step]:
    """The steps, found from behind: who reads a blob last lets go of it."""
    steps: list[Step] = []
    needed = set(kept)
    for i in reversed(order):
        node = graph.nodes[i]
        tops = tuple(Top(i, j) for j in range(len(node.tops)) if Top(i, j) not in given)
        fresh = {top for top in (*node.bottoms, *tops) if top not in needed}
        steps.append(Step(i, tops, tuple(fresh)))
        needed.update(node.bottoms)
    return steps[::-1]


def _called(call: Callable[..., Any], node: Node, bottoms: list[Variable]) -> tuple[Variable, ...]:
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
    made = made if isinstance(made, tuple) else (made,)
    if len(made) != len(node.tops):
        raise layer_error(node.layer, f"computed {len(made)} blobs for {len(node.tops)} tops")
    return made


def _cut(bottoms: list[Variable], propagate_down: Sequence[bool]) -> list[Variable]:
    """The bottoms, without gradient where the layer wants none."""
    return [
        x if wanted else chainer.Variable(x.array, requires_grad=False)
        for x, wanted in zip(bottoms, propagate_down, strict=True)
    ]


def total_loss(graph: Graph, values: Mapping[Top, Variable]) -> chainer.Variable | None:
    """The weighted sum of the losses that were computed; None for none."""
    total = None
    for top, weight in graph.losses:
        if top in values:
            part = F.sum(values[top]) if values[top].ndim else values[top]
            part = part if weight == 1 else part * weight
            total = part if total is None else total + part
    return total


def as_inputs(
    graph: Graph, inputs: Inputs | Any | None, device: chainer.backend.Device, wants_grad: bool
) -> Values:
    """Inputs by top, as float32, on a device; Variables stay as they are, with their graphs.

    Args:
        graph: The layers.
        inputs: By name; an array alone is the first blob from outside.
        device: Of the net.
        wants_grad: Whether arrays get a gradient.

    Raises:
        UsageError: There is no such blob.
    """
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        if not graph.inputs:
            raise UsageError("this net has no input; name the blob: net({'blob': array})")
        inputs = {next(iter(graph.inputs)): inputs}
    return {graph.find_input(n): _variable(x, device, wants_grad) for n, x in inputs.items()}


def _variable(value: Any, device: chainer.backend.Device, wants_grad: bool) -> Variable:
    if isinstance(value, chainer.Variable):
        return value
    array = device.send(value if hasattr(value, "dtype") else np.asarray(value))
    array = array if array.dtype == np.float32 else array.astype(np.float32)
    return chainer.Variable(array, requires_grad=wants_grad)
