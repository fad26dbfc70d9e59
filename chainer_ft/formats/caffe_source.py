"""A Caffe net as a source, whichever file its blobs lie in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from chainer_ft.formats.caffe_layers import link_path, weights
from chainer_ft.formats.caffe_norms import folded, is_batch_norm
from chainer_ft.formats.caffe_types import Layer
from chainer_ft.types.entries import Listing
from chainer_ft.types.source import Source


class CaffeSource(Source):
    """The weights of a Caffe net under Chainer's names.

    Args:
        name: The file.
        format: Name of the loader.
        layers: The layers that hold blobs.
        notes: Sentences about this file.
        close: Gives the file back.
        apart: Indices of Scale layers that stay links of their own.
        with_factor: Indices of BatchNorm layers whose factor is listed.
    """

    def __init__(
        self,
        name: str,
        format: str,
        layers: Sequence[Layer],
        notes: Sequence[str],
        close: Callable[[], None],
        apart: Collection[int] = (),
        with_factor: Collection[int] = (),
    ) -> None:
        self.name, self.format = name, format
        self._layers, self._own_notes, self._close = layers, tuple(notes), close
        self._apart, self._with_factor = frozenset(apart), frozenset(with_factor)
        self._weights = {w.entry.path: w for w in weights(layers, apart, with_factor)}
        self._listing = Listing(tuple(w.entry for w in self._weights.values()), name)
        self.notes = (*self._own_notes, *_notes(layers, self._apart))

    @property
    def listing(self) -> Listing:
        return self._listing

    def read(self, path: str) -> np.ndarray:
        return self._weights[path].read()

    def blocks(self, path: str) -> Iterator[np.ndarray]:
        weight = self._weights[path]
        if weight.is_plain:
            return weight.blob.blocks()
        return iter((weight.read().reshape(-1),))

    def for_target(self, target: Listing) -> Source:
        """Scale layers for which the target has a link of its own stay apart from BatchNorm.

        Where the target keeps a BatchNorm's factor, as a Caffe net does, it is listed.
        """
        links = _tails(target)
        scales = folded(self._layers)
        named = {layer.index: link_path(layer) for layer in self._layers if layer.index in scales}
        apart = frozenset(index for index, link in named.items() if {link, link + "/bias"} & links)
        norms = {layer.index: link_path(layer) for layer in self._layers if is_batch_norm(layer)}
        factors = {entry.link for entry in target if entry.name == "factor"}
        with_factor = frozenset(index for index, link in norms.items() if link in factors)
        if (apart, with_factor) == (self._apart, self._with_factor):
            return self
        own = (self.name, self.format, self._layers, self._own_notes, self._close)
        return CaffeSource(*own, apart, with_factor)

    def close(self) -> None:
        self._close()


def _tails(target: Listing) -> set[str]:
    """The links of a target, and what they are called inside each of their parents."""
    tails: set[str] = set()
    for link in target.links:
        parts = link.split("/")[1:]
        tails.update("/" + "/".join(parts[i:]) for i in range(len(parts)))
    return tails


def _notes(layers: Sequence[Layer], apart: Collection[int]) -> Iterator[str]:
    if not layers:
        yield "no layer of this net has weights"
    pairs = folded(layers)
    merged = [layer.name for layer in layers if layer.index in pairs and layer.index not in apart]
    if merged:
        yield f"Scale layers read as gamma and beta of the BatchNorm before them: {_some(merged)}"
    nameless = [link_path(layer) for layer in layers if not layer.name.strip("/")]
    if nameless:
        yield f"layers without a name are listed by their place in the file: {_some(nameless)}"
    names = Counter(layer.name for layer in layers if layer.name)
    if twice := [name for name, count in names.items() if count > 1]:
        yield (
            f"layers of the same name: {_some(twice)}; Caffe lets the last one win, so that one "
            "has the plain path, and the others have # and their place in the file behind it"
        )
    odd = [la.name for la in layers if la.type == "BatchNorm" and not is_batch_norm(la)]
    if odd:
        yield (
            f"BatchNorm layers without Caffe's three blobs (mean, variance, factor), as some forks "
            f"write them, are listed by blob number: {_some(odd)}"
        )


def _some(names: Sequence[str]) -> str:
    """At most five names, and how many more."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
