"""Which stored layer goes into which layer of a net, by Caffe's rules. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainer_ft.caffe.solver.stored import StoredLayer, StoredNet
from chainer_ft.errors import ArrayError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class TargetLayer:
    """A layer of the net that is written into.

    Args:
        name: Its name.
        shapes: Of its blobs.
        borrowed: Numbers of the blobs that an earlier layer owns.
    """

    name: str
    shapes: tuple[Shape, ...] = ()
    borrowed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class BlobCopy:
    """A blob that is copied: layer and blob of the file, layer of the net; blobs keep numbers."""

    stored: int
    blob: int
    target: int


@dataclass(frozen=True)
class Matching:
    """What is copied, in order, and the layers of the file that the net does not have."""

    copies: tuple[BlobCopy, ...]
    ignored: tuple[str, ...]


def match(source: StoredNet, targets: Sequence[TargetLayer]) -> Matching:
    """Match layers by name, and by nothing else.

    Args:
        source: The file.
        targets: All layers of the net, Split layers too.

    Raises:
        ArrayError: Layers of one name whose blobs differ in number or shape; Caffe dies then.
    """
    places = {}
    for i, target in enumerate(targets):  # HDF5 finds the last of a name, the other the first
        if source.is_hdf5 or target.name not in places:
            places[target.name] = i
    copies: list[BlobCopy] = []
    for i, layer in enumerate(source.layers):
        if layer.name in places:
            place = places[layer.name]
            numbers = _checked(source, layer, targets[place])
            copies += [BlobCopy(i, number, place) for number in numbers]
    ignored = tuple(layer.name for layer in source.layers if layer.name not in places)
    return Matching(tuple(copies), ignored)


def _checked(source: StoredNet, layer: StoredLayer, target: TargetLayer) -> list[int]:
    """The numbers of the blobs that are copied."""
    stored, wanted = set(layer.blobs), set(range(len(target.shapes)))
    lent = target.borrowed if source.is_hdf5 else frozenset()
    if not wanted - lent <= stored <= wanted:
        raise ArrayError(
            f"{source.path}: layer {layer.name!r} has {len(stored)} blobs there and {len(wanted)} "
            f"in the net; {_rename(layer.name)}"
        )
    for number in sorted(stored):
        shape, other = tuple(layer.blobs[number].shape), target.shapes[number]
        if not _fits(shape, other, layer.is_legacy(number)):
            raise ArrayError(
                f"{source.path}: layer {layer.name!r}, blob {number}: shape {shape} there and "
                f"{other} in the net; {_rename(layer.name)}"
            )
    return sorted(stored)


def _fits(stored: Shape, target: Shape, is_legacy: bool) -> bool:
    """Equal, or four old numbers that are the shape behind as many ones as it lacks."""
    if not is_legacy:
        return stored == target
    return len(target) <= 4 and stored == (1,) * (4 - len(target)) + target


def _rename(name: str) -> str:
    return f"to learn it from scratch, rename it in the prototxt ({name} -> {name}_new)"
