"""``--weights``: copy a file into a net by Caffe's rules, with the project's plan of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainer_ft.caffe.blobs import CaffeBlob, from_caffe
from chainer_ft.caffe.solver.finished import blobs_of_layers
from chainer_ft.caffe.solver.matching import Matching, TargetLayer, match
from chainer_ft.caffe.solver.stored import StoredLayer, StoredNet, stored_net
from chainer_ft.errors import ArrayError, UsageError
from chainer_ft.links import LinkSource, written
from chainer_ft.planning import check
from chainer_ft.types import Entry, Kind, Listing, Pair, Plan, Skip

_LAST_WINS = "a later layer of the file goes into the same array"


#: For each path of the net, which blob of which layer of the file goes there.
_Chosen = dict[str, tuple[int, int]]


def copy_weights(
    net: Any,
    path: str | os.PathLike[str],
    ignored: Callable[[str], None] = lambda name: None,
    may_miss: bool = False,
) -> Plan:
    """Copy the weights of a file into the layers of a net that have the same names.

    Args:
        net: A :class:`~chainer_ft.caffe.net.Net` whose parameters all have their shapes.
        path: ``.caffemodel`` or ``.caffemodel.h5``.
        ignored: Called with the name of each layer of the file that the net does not have.
        may_miss: Whether a file may have nothing for the net.

    Returns:
        Plan: What went where, which layers stay as they were, and what was not used.

    Raises:
        ArrayError: Layers of one name have other blobs, or a number is not finite; nothing was
            written.
        NothingMatchedError: Not one layer with weights has the same name.
    """
    with stored_net(os.fspath(path)) as stored:
        matching = match(stored, target_layers(net))
        for name in matching.ignored:
            ignored(name)
        chosen = _chosen(matching, stored, net)
        plan = _plan(stored, net, chosen)
        if not may_miss:
            check(plan)
        with written(net, list(_arrays(matching, stored, net).items())):
            return plan


def target_layers(net: Any) -> list[TargetLayer]:
    """All layers of a net, those without blobs too, as weights are matched to them."""
    layers = zip(net.layers, blobs_of_layers(net), strict=True)
    return [_target(layer.name, blobs) for layer, blobs in layers]


def _target(name: str, blobs: Sequence[CaffeBlob]) -> TargetLayer:
    unknown = [blob.index for blob in blobs if blob.shape is None]
    if unknown:
        raise UsageError(f"layer {name!r} has no shapes yet; run a batch through the net first")
    borrowed = frozenset(blob.index for blob in blobs if blob.owner is not None)
    return TargetLayer(name, tuple(blob.shape or () for blob in blobs), borrowed)


def _path(blob: CaffeBlob) -> str:
    """Where a blob is in the listing of its net; one that is shared is where its owner is."""
    return (blob.owner or blob).path


def _chosen(matching: Matching, stored: StoredNet, net: Any) -> _Chosen:
    """The last, where several go to one path."""
    blobs = blobs_of_layers(net)
    return {
        _path(blobs[copy.target][copy.blob]): (copy.stored, copy.blob) for copy in matching.copies
    }


def _arrays(matching: Matching, stored: StoredNet, net: Any) -> dict[str, np.ndarray]:
    """What is written, by path, in the order of the file."""
    blobs = blobs_of_layers(net)
    found: dict[str, np.ndarray] = {}
    for index, target in dict.fromkeys((copy.stored, copy.target) for copy in matching.copies):
        layer, own = stored.layers[index], blobs[target]
        made = from_caffe(own, [_read(stored, layer, blob) for blob in own])
        for blob, (_, array) in zip(own, made, strict=True):
            if blob.index in layer.blobs:
                found.pop(_path(blob), None)
                found[_path(blob)] = array
    return found


def _read(stored: StoredNet, layer: StoredLayer, blob: CaffeBlob) -> np.ndarray:
    """A blob of the file in the net's shape; HDF5 lacks those that another layer owns."""
    if blob.index not in layer.blobs:
        return blob.read()
    array = layer.blobs[blob.index].read().reshape(blob.shape)
    if not np.isfinite(array).all():
        raise ArrayError(
            f"{stored.path}: layer {layer.name!r}, blob {blob.index}: holds NaN or infinity; this "
            "net has diverged, take an earlier snapshot"
        )
    return array.astype(np.float32, copy=False)


def _plan(stored: StoredNet, net: Any, chosen: _Chosen) -> Plan:
    target = LinkSource(net, net.message.name or "the net").listing
    names = {(i, number): path for i, number, path in _names(stored)}
    source = _source_listing(stored, {key: target[path] for path, key in chosen.items()})
    used = {names[key] for key in chosen.values()}
    kept = {layer.name for layer in net.layers}
    lost = [(key, path) for key, path in names.items() if path not in used]
    twice = [path for (i, _), path in lost if stored.layers[i].name in kept]
    shared = {entry.path: entry.shared_with for entry in target if entry.shared_with is not None}
    skipped = [Skip("source", path, _LAST_WINS) for path in twice]
    skipped += [Skip("target", path, f"shared with {owner}") for path, owner in shared.items()]
    return Plan(
        source,
        target,
        "caffe",
        tuple(Pair(names[key], path) for path, key in chosen.items()),
        tuple(path for path in target.paths if path not in chosen and path not in shared),
        tuple(path for _, path in lost if path not in twice),
        skipped=tuple(skipped),
    )


def _source_listing(stored: StoredNet, targets: dict[tuple[int, int], Entry]) -> Listing:
    """The blobs of the file, called by layer and number."""
    entries = []
    for i, number, path in _names(stored):
        blob = stored.layers[i].blobs[number]
        target = targets.get((i, number))
        kind: Kind = "param" if target is None else target.kind
        entries.append(Entry(path, tuple(blob.shape), blob.dtype, kind))
    return Listing(tuple(entries), stored.path)


def _names(stored: StoredNet) -> Iterator[tuple[int, int, str]]:
    """``/conv1/0``; the first ones of a name that comes again have their place behind it."""
    last = {layer.name: i for i, layer in enumerate(stored.layers)}
    for i, layer in enumerate(stored.layers):
        name = layer.name.strip("/") or f"layer {i}"
        for number in sorted(layer.blobs):
            again = "" if last[layer.name] == i else f"#{i}"
            yield i, number, f"/{name}/{number}{again}"
