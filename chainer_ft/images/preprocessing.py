"""What becomes of a picture before the net sees it, kept with the weights that expect it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.images.numbers import LONG, read, written
from chainer_ft.images.picture import Box, Picture, middle
from chainer_ft.images.statistics import Statistics

FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
_LUMA = np.array([299, 587, 114], np.float32) / 1000


@dataclass(frozen=True)
class Preprocessing:
    """Size, channel order and range of a net's input: ``(pixel - mean) * scale / std``.

    Pixels are numbers from 0 to 255, and so are ``mean`` and ``std``; what PyTorch's users write
    as 0.485 is 123.675 here.

    Args:
        size: Height and width of the input.
        channels: ``RGB``, ``BGR`` (Caffe, OpenCV) or ``L`` (grey, one channel).
        scale: Factor; 1/255 as Chainer's own datasets have it.
        mean: One number, one for each channel in their order, or one for each number of the input
            (channels, height, width).
        std: One number, or one for each channel.
        crop: Share of the side that is seen; 0.875 for 224 out of 256.
        squash: Whether a picture is squeezed into the input's shape, as Caffe's tools do; else
            its middle is cut out.
        interpolation: One of Pillow's filters.
        statistics: Of the batches that the weights were trained on, as they were prepared.

    Raises:
        UsageError: The numbers do not fit each other.

    Example:
        >>> caffe = Preprocessing((2, 2), "BGR", scale=1, mean=(104, 117, 123))
        >>> red = np.zeros((4, 4, 3), np.uint8)
        >>> red[..., 0] = 255
        >>> caffe.apply(red)[:, 0, 0]
        array([-104., -117.,  132.], dtype=float32)
        >>> Preprocessing.from_dict(caffe.to_dict()) == caffe
        True
    """

    size: tuple[int, int]
    channels: str = "RGB"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    crop: float = 1.0
    squash: bool = False
    interpolation: str = "bilinear"
    statistics: Statistics | None = None

    def __post_init__(self) -> None:
        depth, (height, width) = len(self.channels), self.size
        sane = {
            f"size={self.size}": min(height, width) > 0,
            f"channels={self.channels!r}": self.channels in ("RGB", "BGR", "L"),
            f"a mean of {len(self.mean)} numbers": len(self.mean)
            in (1, depth, depth * height * width),
            f"mean={self.mean}": bool(np.isfinite(self.mean).all()),
            f"std={self.std}": len(self.std) in (1, depth)
            and all(0 < one < np.inf for one in self.std),
            f"scale={self.scale}": 0 < self.scale < np.inf,
            f"crop={self.crop}": 0 < self.crop <= 1,
            f"interpolation={self.interpolation!r}": self.interpolation in FILTERS,
        }
        wrong = [what for what, is_sane in sane.items() if not is_sane]
        if wrong:
            raise UsageError(
                f"preprocessing: {', '.join(wrong)} with size {height}x{width} (height x width) "
                f"and channels {self.channels}; mean and std are one number or one a channel, "
                f"crop is above 0 to 1, interpolation one of {', '.join(FILTERS)}"
            )

    @classmethod
    def named(cls, name: str, size: tuple[int, int]) -> Preprocessing:
        """What a family of weights for ImageNet expects.

        Args:
            name: ``chainer`` (0 to 1), ``caffe`` (BGR less its mean), ``torch`` (mean and
                standard deviation of ImageNet) or ``tf`` (-1 to 1).
            size: Height and width.

        Raises:
            UsageError: No such family.
        """
        from chainer_ft.images.presets import PRESETS

        if name not in PRESETS:
            raise UsageError(f"no preprocessing is called {name!r}; choose of {', '.join(PRESETS)}")
        return replace(PRESETS[name], size=size)

    def __repr__(self) -> str:
        shown = {field.name: repr(getattr(self, field.name)) for field in fields(self)}
        if len(self.mean) > LONG:
            shown["mean"] = f"<{len(self.mean)} numbers about {np.mean(self.mean):.4g}>"
        return f"Preprocessing({', '.join(f'{name}={text}' for name, text in shown.items())})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the input."""
        return (len(self.channels), *self.size)

    def window(self, size: tuple[int, int]) -> Box:
        """The part that is seen of a picture of a width and height: left, top, right, bottom.

        Example:
            >>> Preprocessing((10, 10)).window((40, 20))
            (10.0, 0.0, 30.0, 20.0)
        """
        return middle(size, None if self.squash else self.size[1] / self.size[0], self.crop)

    def apply(self, image: Picture | np.ndarray) -> np.ndarray:
        """The input that a picture makes.

        Args:
            image: A picture, or an array: uint8, (height, width, 3), RGB.

        Returns:
            numpy.ndarray: float32, :attr:`shape`.

        Raises:
            FormatError: The picture is damaged.
        """
        picture = Picture.of(image, "an array") if isinstance(image, np.ndarray) else image
        box = self.window(picture.size)
        return self.normalise(np.asarray(picture.cut(box, self.size[::-1], self.interpolation)))

    def normalise(self, pixels: np.ndarray) -> np.ndarray:
        """The input that pixels make: order of channels, mean, scale.

        Args:
            pixels: uint8, (height, width, 3), RGB, already of the right size.

        Returns:
            numpy.ndarray: float32, :attr:`shape`.
        """
        if self.channels == "L":
            values = np.rint(pixels @ _LUMA)[None]
        else:
            values = pixels.transpose(2, 0, 1)[:: -1 if self.channels == "BGR" else 1]
        mean, factor = self._numbers
        out: np.ndarray = np.subtract(values, mean, dtype=np.float32, order="C")
        out *= factor
        return out

    @cached_property
    def _numbers(self) -> tuple[np.ndarray, np.ndarray]:
        mean = np.array(self.mean, np.float32)
        mean = mean.reshape(self.shape if len(mean) > len(self.channels) else (-1, 1, 1))
        factor = (self.scale / np.array(self.std)).astype(np.float32)
        return mean, factor.reshape(-1, 1, 1)

    def check(self, batch: Statistics) -> str | None:
        """Whether batches fit another channel order or scale better.

        Args:
            batch: Of batches that this has prepared.

        Returns:
            str or None: A sentence where they do.
        """
        from chainer_ft.images.misfit import misfit

        return misfit(self, batch)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self) | {"mean": written(self.mean)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Preprocessing:
        """What :meth:`to_dict` gave, through JSON or not.

        Raises:
            FormatError: It is not that.
        """
        try:
            (height, width), seen = data["size"], data.get("statistics")
            own = {
                "size": (int(height), int(width)),
                "mean": read(data.get("mean", (0.0,))),
                "std": read(data.get("std", (1.0,))),
                "statistics": None if seen is None else Statistics.from_dict(seen),
            }
            return cls(**{**data, **own})
        except (TypeError, ValueError, KeyError, UsageError) as error:
            known = ", ".join(field.name for field in fields(cls))
            raise FormatError(f"this is no preprocessing ({error}); it has: {known}") from error
