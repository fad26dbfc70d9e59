"""The listing of a live link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import chainer
import numpy as np

from chainer_ft.links.sharing import identity
from chainer_ft.links.walk import Slot, slots
from chainer_ft.types import Entry, Listing

_NOT_SET = "uninitialised"


def listing(link: chainer.Link, origin: str) -> Listing:
    """The listing of a live link.

    Args:
        link: Any link; lazy parameters have no shape.
        origin: What to call it in messages.
    """
    first: dict[object, str] = {}
    entries = []
    for slot in slots(link):
        owner = first.setdefault(identity(slot), slot.path)
        entries.append(replace(_entry(slot), shared_with=None if owner == slot.path else owner))
    return Listing(tuple(entries), origin)


def _entry(slot: Slot) -> Entry:
    link_type, bases = type(slot.link).__name__, _bases(type(slot.link))
    made = Entry(slot.path, None, None, slot.kind, link_type, bases)
    array = slot.array
    if array is None:
        return replace(made, note=_NOT_SET, partial_shape=_partial_shape(slot))
    if hasattr(array, "shape") and hasattr(array, "dtype"):
        return replace(made, shape=tuple(array.shape), dtype=np.dtype(str(array.dtype)))
    if isinstance(array, (bool, int, float, complex, str, bytes)):
        return replace(made, shape=(), dtype=np.asarray(array).dtype)
    return replace(made, note=f"a Python {type(array).__name__}, not an array")


def _bases(cls: type) -> tuple[str, ...]:
    """Names of the classes between this one and Link."""
    plain = (chainer.Link, chainer.Chain, chainer.ChainList, object)
    return tuple(
        c.__name__ for c in cls.__mro__[1:] if c not in plain and issubclass(c, chainer.Link)
    )


def _partial_shape(slot: Slot) -> tuple[int | None, ...] | None:
    """What a lazy link knows of the shape of its W already."""
    link, links = slot.link, chainer.links
    if slot.name != "W":
        return None
    if isinstance(link, links.Linear):
        return (link.out_size, None)
    if isinstance(link, (links.Convolution2D, links.DilatedConvolution2D)):
        return (link.out_channels, None, *_sizes(link.ksize, 2))
    if isinstance(link, links.ConvolutionND):
        return (link.out_channels, None, *link.ksize)
    if isinstance(link, links.Deconvolution2D):
        return (None, link.out_channels // link.groups, *_sizes(link.ksize, 2))
    if isinstance(link, links.DepthwiseConvolution2D):
        return (link.channel_multiplier, None, *_sizes(link.ksize, 2))
    return None


def _sizes(size: Any, count: int) -> tuple[int | None, ...]:
    if size is None:
        return (None,) * count
    return tuple(size) if hasattr(size, "__len__") else (size,) * count
