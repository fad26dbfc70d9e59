"""What a model computes at one of its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainer
import numpy as np

from chainer_ft.caffe.net import Net
from chainer_ft.errors import RuleError, UsageError
from chainer_ft.finetune.calls import heard_by
from chainer_ft.finetune.depths import depths
from chainer_ft.finetune.forward_only import ForwardOnly
from chainer_ft.links import named_links
from chainer_ft.select import nearest

#: From a batch of inputs to what the layer gives of it.
Read = Callable[[Any], Any]


def reader(model: chainer.Link, layer: str | None, x: Any) -> tuple[str, Read]:
    """What computes a layer's output, in test mode, and no more than that needs where it can.

    A layer is a blob of a Caffe net, one of ``available_layers`` of Chainer's own pretrained
    nets, or the path of a link. Without one, what the head reads is given.

    Args:
        model: Called with a batch.
        layer: Its name or path.
        x: A batch of one or more.

    Returns:
        tuple: What the layer is called, and the function.

    Raises:
        RuleError: There is no such layer; names the nearest.
        UsageError: The link is not called, or gives no array.

    Example:
        >>> L, x = chainer.links, np.ones((2, 3), "f")
        >>> net = chainer.Sequential(L.Linear(3, 4), L.Linear(4, 2))
        >>> name, read = reader(net, None, x)
        >>> name, read(x).shape
        ('what /1 reads', (2, 4))
    """
    if isinstance(model, Net):
        return _of_net(model, layer)
    if layer is None:
        before = depths(model, x)[-1].before
        return f"what {before} reads", _of_link(model, before, is_input=True)
    named = layer.strip("/")
    if named in getattr(model, "available_layers", ()):
        return named, lambda batch: model(batch, layers=[named])[named]
    return f"/{named}", _of_link(model, f"/{named}", is_input=False)


def _of_net(net: Net, layer: str | None) -> tuple[str, Read]:
    """A blob of a Caffe net; by default the one that its last layer with weights reads."""
    if layer is None:
        weighted = {blob.layer for blob in net.params_in_order()}
        layer = [one for one in net.layers if one.name in weighted][-1].bottom[0]
    name = layer.strip("/")
    if name not in net.graph.last:
        raise RuleError(
            f"layer {name!r}: the net has no such blob; {nearest(name, net.graph.last)}"
        )
    return name, lambda batch: net(batch, outputs=[name])[0]


def in_test_mode(read: Read) -> Callable[[Any], np.ndarray]:
    """The same in test mode and as a NumPy array, sample by sample."""

    def call(batch: Any) -> np.ndarray:
        in_test = chainer.using_config("train", False)
        with in_test, chainer.no_backprop_mode(), heard_by(ForwardOnly()):
            value = read(batch)
        array = chainer.backend.CpuDevice().send(getattr(value, "array", value))
        if not isinstance(array, np.ndarray) or array.shape[:1] != (len(batch),):
            raise UsageError("the layer does not give an array with a row for each sample")
        return np.ascontiguousarray(array)

    return call


class _Found(BaseException):
    """The link was called."""


class _Catch(chainer.LinkHook):  # type: ignore[misc]
    """Ends the forward of a model at one of its links."""

    name = "chainer_ft_catch"

    def __init__(self, link: chainer.Link, is_input: bool) -> None:
        self.link, self.is_input = link, is_input
        self.value: Any = None

    def forward_preprocess(self, args: Any) -> None:
        if args.link is self.link and self.is_input:
            self.value = [*args.args, *args.kwargs.values()][0]
            raise _Found

    def forward_postprocess(self, args: Any) -> None:
        if args.link is self.link and not self.is_input:
            self.value = args.out
            raise _Found


def _of_link(model: chainer.Link, path: str, is_input: bool) -> Read:
    links = dict(named_links(model))
    if path not in links:
        known = [*links, *getattr(model, "available_layers", ())]
        raise RuleError(f"layer {path!r}: the model has none of that name; {nearest(path, known)}")

    def read(batch: Any) -> Any:
        with _Catch(links[path], is_input) as hook:
            try:
                model(batch)
            except _Found:
                return hook.value
        raise UsageError(f"layer {path}: is not called in a forward of the model in test mode")

    return read
