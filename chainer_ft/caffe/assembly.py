"""Puts the layers of a graph together: what computes them, under which names, with which blobs."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

import chainer

from chainer_ft.caffe.blobs import CaffeBlob, blobs_of
from chainer_ft.caffe.building import build_layer
from chainer_ft.caffe.graph import Graph
from chainer_ft.caffe.layers.base import layer_error, no_filling
from chainer_ft.caffe.message import Message
from chainer_ft.caffe.shapes import Shape, data_shapes, tops_of
from chainer_ft.caffe.sharing import share
from chainer_ft.caffe.splits import Top
from chainer_ft.host import Host
from chainer_ft.training.parameters import tune
from chainer_ft.types import Outcome

_LOG = logging.getLogger("chainer_ft.caffe")


@dataclass
class Assembly:
    """The layers of a net, built.

    Args:
        calls: What computes layers without weights, by index.
        links: Names of the children that compute the others, by index.
        children: The children, by name.
        blobs: All blobs, in Caffe's order.
    """

    calls: dict[int, Callable[..., Any]] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)
    children: dict[str, chainer.Link] = field(default_factory=dict)
    blobs: tuple[CaffeBlob, ...] = ()


def assemble(graph: Graph, phase: str, host: Host, taken: Container[str]) -> Assembly:
    """Build the layers.

    Args:
        graph: The layers.
        phase: ``TRAIN`` or ``TEST``.
        host: Where plugins are asked.
        taken: Names that no child can have.

    Raises:
        NetError: A layer cannot be built.
    """
    made, blobs = Assembly(), list[CaffeBlob]()
    for i, node in enumerate(graph.nodes):
        if i in graph.data:
            continue
        call, found = build_layer(node.layer, phase, host), list[CaffeBlob]()
        if isinstance(call, chainer.Link):
            made.links[i] = name = _child_name(node.layer, i, made.children, taken)
            made.children[name] = call
            found = list(blobs_of(node.layer, call, f"/{name}"))
        else:
            made.calls[i] = call
        _check_count(node.layer, len(found))
        blobs += found
    made.blobs = tuple(share(blobs))
    _freeze(made.blobs)
    return made


def _child_name(layer: Message, index: int, *taken: Container[str]) -> str:
    """The layer's name if it is free: one called ``copy`` is no reason to lose the method."""
    name: str = layer.name.strip("/") or f"unnamed_{index}"
    if name in taken[0]:
        name += f"#{index}"
    while any(name in names for names in taken):
        name += "_"
    return name


def _check_count(layer: Message, count: int) -> None:
    if len(layer.param) > count:
        raise layer_error(layer, f"has {len(layer.param)} param for {count} blobs", "param")


def _freeze(blobs: Sequence[CaffeBlob]) -> None:
    """A rate of 0 is no gradient."""
    for blob in blobs:
        if blob.parameter is not None and blob.lr_mult == 0:
            tune(blob.parameter, blob.path, frozen=True)


def lay_out(graph: Graph, made: Assembly) -> None:
    """Make the weights of all layers whose bottoms have a shape before anything is computed.

    Raises:
        NetError: A layer cannot take the shapes of its bottoms.
    """
    shapes: dict[Top, Shape] = {}
    for i, node in enumerate(graph.nodes):
        bottoms = [shapes[top] for top in node.bottoms if top in shapes]
        tops: Sequence[Shape] | None = None
        if i in graph.data:
            tops = data_shapes(node.layer)
        elif len(bottoms) == len(node.bottoms):
            tops = _laid_out(node.layer, bottoms, made.children.get(made.links.get(i, "")))
        shapes.update({Top(i, j): shape for j, shape in enumerate(tops or ())})


def _laid_out(layer: Message, bottoms: Sequence[Shape], link: Any) -> Sequence[Shape] | None:
    try:
        tops = tops_of(layer, bottoms)
        if tops is not None and hasattr(link, "lay_out"):
            link.lay_out(*bottoms)
    except (ValueError, IndexError) as error:
        shapes = ", ".join(map(str, bottoms))
        raise layer_error(layer, f"with bottoms of shape {shapes}: {error}") from error
    return tops


def copy_weights(
    path: str | os.PathLike[str], net: chainer.Link, blobs: Sequence[CaffeBlob], host: Host | None
) -> Outcome:
    """Copy the weights of the file that a net comes from, and say what stays as it was."""
    from chainer_ft.transfer import copy

    with no_filling():
        outcome = copy(path, net, host=host)
    targets = {pair.target for pair in outcome.pairs}
    left = [blob.path for blob in blobs if blob.path not in targets]
    if left:
        _LOG.warning("%s: not copied, left at their fillers: %s", path, ", ".join(left))
    return outcome
