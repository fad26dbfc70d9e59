"""How long each layer of a net takes, forward and backward."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import chainer
from chainer.backends import cuda

from chainer_ft.caffe.net import Net
from chainer_ft.caffe.solver.log import Log, number


class TimedNet(Net):
    """A net that counts the seconds of its layers.

    Attributes:
        forward_seconds: Of each layer by its number in :attr:`layers`, over all passes.
        backward_seconds: The same; what a layer shares with no other.

    Example:
        >>> import numpy as np
        >>> from chainer_ft.caffe.prototxt import parse_net
        >>> net = TimedNet(parse_net('''
        ...     layer { name: "data" type: "Input" top: "data" }
        ...     layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        ...             inner_product_param { num_output: 2 } }
        ...     layer { name: "loss" type: "EuclideanLoss" bottom: "fc" bottom: "fc" }'''))
        >>> with net.timer:
        ...     net.loss(np.zeros((1, 3), "f4")).backward()
        >>> fc = [layer.name for layer in net.layers].index("fc")
        >>> net.forward_seconds[fc] > 0 and net.backward_seconds[fc] > 0
        True
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.forward_seconds: dict[int, float] = defaultdict(float)
        self.backward_seconds: dict[int, float] = defaultdict(float)
        self.timer = _Timer(self.backward_seconds)

    def _call_of(self, index: int) -> Callable[..., Any]:
        call = super()._call_of(index)

        def timed(*bottoms: Any) -> Any:
            self.timer.layer = index
            began = now()
            made = call(*bottoms)
            self.forward_seconds[index] += now() - began
            return made

        return timed

    def forget(self) -> None:
        """Count from nothing."""
        self.forward_seconds.clear()
        self.backward_seconds.clear()


class _Timer(chainer.FunctionHook):  # type: ignore[misc]
    """Notes which layer made a function, and how long its backward takes."""

    name = "CaffeLayerTimes"

    def __init__(self, seconds: dict[int, float]) -> None:
        self.layer = 0
        self._seconds, self._layers, self._began = seconds, dict[int, int](), 0.0

    def added(self, function: Any) -> None:
        self._layers.clear()  # of the pass before, whose functions are gone

    def forward_preprocess(self, function: Any, in_data: Any) -> None:
        self._layers[id(function)] = self.layer

    def backward_preprocess(self, function: Any, in_data: Any, out_grad: Any) -> None:
        self._began = now()

    def backward_postprocess(self, function: Any, in_data: Any, out_grad: Any) -> None:
        layer = self._layers.get(id(function))
        if layer is not None:
            self._seconds[layer] += now() - self._began


def now() -> float:
    """The time in seconds, after all that a GPU has still to do."""
    if cuda.available:
        cuda.cupy.cuda.get_current_stream().synchronize()
    return perf_counter()


def time_net(
    net: TimedNet,
    batch: Callable[[], Mapping[str, Any]],
    iterations: int,
    log: Log,
    timed: Callable[[int], None] = lambda done: None,
) -> None:
    """Time a net, and say how long each layer takes, in Caffe's words.

    Args:
        net: The net.
        batch: Gives what comes from outside; reading it is not counted, unlike in Caffe, where
            data layers are layers.
        iterations: Passes forward and backward, after a first that is not counted.
        log: For the lines.
        timed: Called after each pass with the number of those that are done.
    """
    log("caffe.cpp:352", "Performing Forward")
    loss, _, _ = _passed(net, batch())
    log("caffe.cpp:357", f"Initial loss: {number(loss)}")
    log("caffe.cpp:358", "Performing Backward")
    net.forget()
    log("caffe.cpp:365", "*** Benchmark begins ***")
    log("caffe.cpp:366", f"Testing for {iterations} iterations.")
    forward = backward = 0.0
    for i in range(iterations):
        _, there, back = _passed(net, batch())
        forward, backward = forward + there, backward + back
        log(
            "caffe.cpp:394",
            f"Iteration: {i + 1} forward-backward time: {number(1000 * (there + back))} ms.",
        )
        timed(i + 1)
    _say_layers(net, iterations, log)
    both = forward + backward
    log("caffe.cpp:406", f"Average Forward pass: {_mean(forward, iterations)} ms.")
    log("caffe.cpp:408", f"Average Backward pass: {_mean(backward, iterations)} ms.")
    log("caffe.cpp:410", f"Average Forward-Backward: {_mean(both, iterations)} ms.")
    log("caffe.cpp:412", f"Total Time: {number(1000 * both)} ms.")
    log("caffe.cpp:413", "*** Benchmark ends ***")


def _passed(net: TimedNet, inputs: Mapping[str, Any]) -> tuple[float, float, float]:
    """The loss, and the seconds of one pass forward and of one backward."""
    with net.timer, chainer.using_config("train", net.phase == "TRAIN"):
        net.cleargrads()
        began = now()
        loss = net.run(inputs).loss
        middle = now()
        if loss is not None and loss.creator_node is not None:
            loss.backward()
        return 0.0 if loss is None else float(loss.array), middle - began, now() - middle


def _say_layers(net: TimedNet, iterations: int, log: Log) -> None:
    log("caffe.cpp:397", "Average time per layer: ")
    for i, layer in enumerate(net.layers):
        for way, seconds in (("forward", net.forward_seconds), ("backward", net.backward_seconds)):
            spent = _mean(seconds.get(i, 0.0), iterations)
            log("caffe.cpp:400", f"{layer.name:>10}\t{way}: {spent} ms.")


def _mean(seconds: float, count: int) -> str:
    """Milliseconds of one of so many."""
    return number(1000 * seconds / count)
