"""What a data layer gives, batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from chainer_ft.errors import FormatError

Batch = tuple[np.ndarray, ...]
#: For the log: where Caffe says it, and what.
Line = tuple[str, str]


class BatchSource(ABC):
    """The batches of a data layer; which one depends on its number alone.

    Attributes:
        is_slow: Whether reading ahead in the background is worth a thread.
        lines: What the log should say since they were last taken.
    """

    is_slow = True
    lines: tuple[Line, ...] = ()

    @abstractmethod
    def batch(self, index: int) -> Batch:
        """Batch ``index``, one float32 array for each top.

        Raises:
            FormatError: A record, file or line is damaged, by name.
        """

    def close(self) -> None:  # noqa: B027  most have nothing open
        """Close what is open."""


class Stack:
    """A batch of images of one shape, that are written into it one after another.

    Args:
        count: How many.

    Attributes:
        images: The batch, float32, (``count``, channels, height, width).

    Example:
        >>> stack = Stack(2)
        >>> for name in ("a", "b"):
        ...     stack.slot((1, 2, 2), name)[...] = 7
        >>> stack.images.shape
        (2, 1, 2, 2)
    """

    def __init__(self, count: int) -> None:
        self.images = np.empty((count, 0), np.float32)
        self._names: list[str] = []

    def slot(self, shape: tuple[int, ...], name: str) -> np.ndarray:
        """Where to write the next image.

        Raises:
            FormatError: It has another shape than the first, by name.
        """
        if not self._names:
            self.images = np.empty((len(self.images), *shape), np.float32)
        elif shape != self.images.shape[1:]:
            raise FormatError(
                f"{name}: has the shape {shape}, and {self.images.shape[1:]} has {self._names[0]}, "
                "the first of its batch; resize them to one size, or set crop_size"
            )
        self._names.append(name)
        slot: np.ndarray = self.images[len(self._names) - 1]
        return slot
