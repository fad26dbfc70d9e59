"""What a data layer gives, batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from chainer_ft.errors import FormatError

Batch = tuple[np.ndarray, ...]


class BatchSource(ABC):
    """The batches of a data layer; which one depends on its number alone.

    Attributes:
        is_slow: Whether reading ahead in the background is worth a thread.
    """

    is_slow = True

    @abstractmethod
    def batch(self, index: int) -> Batch:
        """Batch ``index``, one float32 array for each top.

        Raises:
            FormatError: A record, file or line is damaged, by name.
        """

    def close(self) -> None:  # noqa: B027  most have nothing open
        """Close what is open."""


def stacked(images: list[np.ndarray], names: list[str]) -> np.ndarray:
    """Images of one shape as a batch.

    Raises:
        FormatError: One has another shape than the first, by name.
    """
    for image, name in zip(images, names, strict=True):
        if image.shape != images[0].shape:
            raise FormatError(
                f"{name}: has the shape {image.shape}, and {images[0].shape} has {names[0]}, the "
                "first of its batch; resize them to one size, or set crop_size"
            )
    return np.stack(images)
