"""What a Caffe net is made of, whichever file it lies in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

# A layer whose arrays have the shapes of a W and a b, in a file that keeps no types.
UNTYPED = "untyped"


class Blob(Protocol):
    """One stored array, whatever file it lies in."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As stored."""

    @property
    def dtype(self) -> np.dtype:
        """As stored."""

    def read(self) -> np.ndarray:
        """All numbers, flat, in a fresh array."""

    def blocks(self) -> Iterator[np.ndarray]:
        """All numbers in flat pieces; each is valid until the next."""


@dataclass(frozen=True)
class Layer:
    """A layer with blobs.

    Args:
        index: Its place among all layers of the file.
        name: As written.
        type: As Caffe calls it today, or as written where it does not know it.
        blobs: Its arrays.
        bottoms: How many blobs it reads; 0 where the file does not say.
        source: Index of the layer that wrote its first bottom, if no other layer reads that.
        axis: Of a Scale layer.
        transposed: Whether an InnerProduct keeps its weights as (in, out).
        numbers: Of the blobs, where the file does not hold all of a layer's.
        assumed: What was taken for granted, where the file does not keep the type.
    """

    index: int
    name: str
    type: str
    blobs: tuple[Blob, ...]
    bottoms: int = 0
    source: int | None = None
    axis: int = 1
    transposed: bool = False
    numbers: tuple[int, ...] = ()
    assumed: str = ""
