"""``transform_param``: crop, subtract the mean, scale, mirror, to the bit as Caffe does."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from chainer_ft.caffe.message import Message
from chainer_ft.errors import FormatError, UsageError
from chainer_ft.formats.binaryproto import MEAN, open_binaryproto


@dataclass(frozen=True)
class Transform:
    """What becomes of an image before the net sees it: ``(pixel - mean) * scale``.

    Args:
        train: Whether crops are at random places; in the middle otherwise. Mirroring is random
            in both phases, as in Caffe.
        scale: Factor.
        crop_size: Side of the square that is cut out; 0 for the whole image.
        mirror: Whether every second image, by chance, is flipped.
        mean: Mean image, (channels, height, width) of the whole, uncropped image.
        mean_values: Mean of each channel, or one for all; not together with ``mean``.
        color: Whether encoded images are decoded to three channels (``force_color``) or one
            (``force_gray``); by default as they are stored.

    Example:
        >>> halve = Transform(scale=0.5, crop_size=2, mean_values=(2.0,))
        >>> halve(np.arange(16, dtype=np.uint8).reshape(1, 4, 4), None, "image 7")
        array([[[1.5, 2. ],
                [3.5, 4. ]]], dtype=float32)
    """

    train: bool = False
    scale: float = 1.0
    crop_size: int = 0
    mirror: bool = False
    mean: np.ndarray | None = None
    mean_values: tuple[float, ...] = ()
    color: bool | None = None

    def __call__(
        self,
        pixels: np.ndarray,
        random: np.random.Generator | None,
        where: str,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Transform an image.

        Args:
            pixels: (channels, height, width).
            random: For mirroring and for crops while training.
            where: The image's name, for messages.
            out: Float32, what to write into; a new array by default.

        Returns:
            numpy.ndarray: float32, (channels, height, width) of the crop.

        Raises:
            FormatError: The image does not fit the mean or is smaller than the crop.
        """
        flip = self.mirror and random is not None and bool(random.integers(2))
        rows, columns = self._window(pixels.shape, random, where)
        if out is None:
            out = np.empty(self.shape(pixels.shape), np.float32)
        unflipped = out[:, :, ::-1] if flip else out
        unflipped[...] = pixels[:, rows, columns]
        mean = self.mean_of(pixels.shape, where)
        if mean is not None:
            unflipped -= mean if mean.shape[1] == 1 == mean.shape[2] else mean[:, rows, columns]
        if self.scale != 1:
            unflipped *= np.float32(self.scale)
        return out

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what becomes of an image of a shape."""
        return (shape[0], self.crop_size, self.crop_size) if self.crop_size else shape

    def _window(
        self, shape: tuple[int, ...], random: np.random.Generator | None, where: str
    ) -> tuple[slice, slice]:
        side = self.crop_size
        if not side:
            return slice(None), slice(None)
        spare = (shape[1] - side, shape[2] - side)
        if min(spare) < 0:
            raise FormatError(
                f"{where}: {shape[1]}x{shape[2]} (height x width) is smaller than crop_size {side}"
            )
        if self.train and random is not None:
            top, left = (int(random.integers(room + 1)) for room in spare)
        else:
            top, left = spare[0] // 2, spare[1] // 2
        return slice(top, top + side), slice(left, left + side)

    def mean_of(self, shape: tuple[int, ...], where: str) -> np.ndarray | None:
        """The mean to subtract: of an image's shape, or (channels, 1, 1)."""
        if self.mean is not None:
            if self.mean.shape != shape:
                raise FormatError(
                    f"{where}: has the shape {shape} and the mean image {self.mean.shape} "
                    "(channels, height, width); make the mean of images of this size"
                )
            return self.mean
        if not self.mean_values:
            return None
        if len(self.mean_values) not in (1, shape[0]):
            raise FormatError(
                f"{where}: has {shape[0]} channels, and there are {len(self.mean_values)} "
                "mean_value; give one, or one for each channel"
            )
        return np.array(self.mean_values, np.float32)[:, None, None]


def read_transform(param: Message, train: bool, root: str = "") -> Transform:
    """The transform of a layer's ``transform_param``.

    Args:
        param: A ``TransformationParameter``.
        train: Whether the phase is TRAIN.
        root: Folder that paths are relative to; the current one by default.

    Raises:
        UsageError: Fields exclude each other.
        FormatError: The mean file cannot be read.
    """
    for one, other in (("mean_file", "mean_value"), ("force_color", "force_gray")):
        if param.has(one) and param.has(other) and getattr(param, one) and getattr(param, other):
            raise UsageError(f"{param.where(other)}: {one} and {other} cannot both be set")
    return Transform(
        train=train,
        scale=float(param.scale),
        crop_size=param.crop_size,
        mirror=param.mirror,
        mean_values=tuple(float(value) for value in param.mean_value),
        mean=read_mean(os.path.join(root, param.mean_file)) if param.has("mean_file") else None,
        color=True if param.force_color else False if param.force_gray else None,
    )


def read_mean(path: str) -> np.ndarray:
    """The image in a ``.binaryproto``, float32, (channels, height, width).

    Raises:
        FormatError: It cannot be read, or is no image.
    """
    with open_binaryproto(path) as source:
        mean = source.read(MEAN)
    if mean.ndim != 3:
        raise FormatError(f"{path}: has the shape {mean.shape}, and a mean image has three axes")
    return mean.astype(np.float32)
