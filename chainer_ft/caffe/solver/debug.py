"""``debug_info``: the mean absolute value of every blob and gradient, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import chainer.functions as F  # noqa: N812
import numpy as np
from chainer.backend import CpuDevice

from chainer_ft.caffe.blobs import CaffeBlob
from chainer_ft.caffe.net import Net
from chainer_ft.caffe.solver.log import number

Line = Callable[[str, str], None]
_FORWARD, _BACKWARD, _ALL = "net.cpp:591", "net.cpp:620", "net.cpp:644"


class WatchedNet(Net):
    """A net that remembers what its layers read and made, while it is told to.

    Attributes:
        is_watched: Whether it does.
    """

    is_watched = False

    def __init__(self, *args: Any, **options: Any) -> None:
        self._seen: dict[int, tuple[tuple[Any, ...], tuple[Any, ...]]] = {}
        super().__init__(*args, **options)

    def _named(self, inputs: Any) -> dict[Any, Any]:
        given: dict[Any, Any] = super()._named(inputs)
        self._seen.clear()
        if self.is_watched:
            for index in self.graph.data:
                tops = [top for top in given if top.layer == index]
                in_order = sorted(tops, key=lambda top: top.index)
                self._seen[index] = ((), tuple(given[top] for top in in_order))
        return given

    def _call_of(self, index: int) -> Callable[..., Any]:
        call = super()._call_of(index)
        return self._watching(index, call) if self.is_watched else call

    def _watching(self, index: int, call: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*bottoms: Any) -> Any:
            own = tuple(F.identity(bottom) for bottom in bottoms)  # each reader's own gradient
            made = call(*own)
            self._seen[index] = (own, made if isinstance(made, tuple) else (made,))
            return made

        return watching

    def say_forward(self, line: Line) -> None:
        """Write the lines of the last pass forward.

        Args:
            line: Writes one, with its place in Caffe's source.
        """
        blobs = self._blobs_by_layer()
        for index, (_, tops) in sorted(self._seen.items()):
            node = self.graph.nodes[index]
            head = f"    [Forward] Layer {node.layer.name},"
            for name, top in zip(node.tops, tops, strict=False):
                line(_FORWARD, f"{head} top blob {name} data: {_mean(top.array)}")
            for blob in blobs.get(node.layer.name, ()):
                line(_FORWARD, f"{head} param blob {_label(blob)} data: {_mean(blob.read())}")

    def say_backward(self, line: Line) -> None:
        """Write the lines of the pass backward, whose gradients were retained."""
        blobs = self._blobs_by_layer()
        for index, (bottoms, _) in sorted(self._seen.items(), reverse=True):
            layer = self.graph.nodes[index].layer
            head = f"    [Backward] Layer {layer.name},"
            if all(bottom.grad is None for bottom in bottoms) and not _is_live(blobs, layer.name):
                continue
            for name, bottom in zip(layer.bottom, bottoms, strict=True):
                if bottom.grad is not None:
                    line(_BACKWARD, f"{head} bottom blob {name} diff: {_mean(bottom.grad)}")
            for blob in blobs.get(layer.name, ()):
                if blob.lr_mult != 0:
                    said = f"param blob {_label(blob)} diff: {_mean(_gradient(blob))}"
                    line(_BACKWARD, f"{head} {said}")
        line(_ALL, self._all_params())

    def _blobs_by_layer(self) -> dict[str, list[CaffeBlob]]:
        found: dict[str, list[CaffeBlob]] = {}
        for blob in self.params_in_order():
            found.setdefault(blob.layer, []).append(blob)
        return found

    def _all_params(self) -> str:
        owned = [blob for blob in self.params_in_order() if blob.owner is None]
        data, diff = _norms(b.read() for b in owned), _norms(_gradient(b) for b in owned)
        return (
            f"    [Backward] All net params (data, diff): L1 norm = ({data[0]}, {diff[0]}); "
            f"L2 norm = ({data[1]}, {diff[1]})"
        )


def _is_live(blobs: dict[str, list[CaffeBlob]], layer: str) -> bool:
    return any(_has_gradient(blob) for blob in blobs.get(layer, ()))


def _has_gradient(blob: CaffeBlob) -> bool:
    return blob.lr_mult != 0 and blob.parameter is not None and blob.parameter.grad is not None


def _gradient(blob: CaffeBlob) -> np.ndarray:
    if not _has_gradient(blob):
        return np.zeros(1, np.float32)
    assert blob.parameter is not None
    gradient: np.ndarray = CpuDevice().send(blob.parameter.grad)
    return gradient


def _norms(arrays: Iterable[np.ndarray] | Iterator[np.ndarray]) -> tuple[str, str]:
    absolute = squares = 0.0
    for array in arrays:
        absolute += float(np.abs(array).sum(dtype="f8"))
        squares += float(np.square(array, dtype="f8").sum())
    return number(absolute), number(squares**0.5)


def _label(blob: CaffeBlob) -> str:
    """A blob's number, or the name that it is shared by."""
    return blob.share_name or str(blob.index)


def _mean(array: Any) -> str:
    flat = np.asarray(CpuDevice().send(array))
    return number(float(np.abs(flat).mean(dtype="f8"))) if flat.size else "0"
