"""Random crops, flips and colours, each a pure function of seed, epoch and image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from chainer_ft.errors import UsageError
from chainer_ft.images.picture import Box

if TYPE_CHECKING:
    from PIL.Image import Image

_LUMA = (0.299, 0.587, 0.114)  # shares of red, green and blue in a grey


@dataclass(frozen=True)
class Draw:
    """What was drawn for one image.

    Args:
        box: The part that is cut out: left, top, right, bottom.
        flip: Whether it is mirrored.
        brightness: Factor of all.
        contrast: Factor of the distance from the image's mean.
        saturation: Factor of the distance from grey.
    """

    box: Box
    flip: bool
    brightness: float
    contrast: float
    saturation: float

    def apply(self, image: Image) -> Image:
        """Colours and mirror of what was cut out, an RGB image."""
        from PIL.Image import Transpose

        if self.flip:
            image = image.transpose(Transpose.FLIP_LEFT_RIGHT)
        if (self.brightness, self.contrast, self.saturation) == (1, 1, 1):
            return image
        return image.convert("RGB", self._matrix(np.asarray(image)))

    def _matrix(self, pixels: np.ndarray) -> tuple[float, ...]:
        """All three at once: three rows, and what is added to each."""
        means = pixels.reshape(-1, 3).mean(axis=0).tolist()
        grey = self.brightness * sum(m * share for m, share in zip(means, _LUMA, strict=True))
        gain, added = self.brightness * self.contrast, (1 - self.contrast) * grey
        matrix: list[float] = []
        for row in range(3):
            matrix += [gain * (1 - self.saturation) * share for share in _LUMA]
            matrix[-3 + row] += gain * self.saturation
            matrix.append(added)
        return tuple(matrix)


@dataclass(frozen=True)
class Augmentation:
    """What is random in training: a part of the picture at full size, a mirror, colours.

    Args:
        area: Least and greatest share of the picture that is cut out.
        aspect: Least and greatest stretching of that part.
        flip: How often it is mirrored; 0 where left and right mean something.
        brightness: A factor between 1 less this and 1 more this.
        contrast: The same for the distance from the image's mean.
        saturation: The same for the distance from grey.

    Raises:
        UsageError: A range is empty, or a share is none.

    Example:
        >>> augmentation = Augmentation(area=(0.25, 0.25), aspect=(1, 1), flip=0)
        >>> drawn = augmentation.draw((40, 40), 1.0, seed=0, epoch=3, index=7)
        >>> round(drawn.box[2] - drawn.box[0], 6), drawn.flip
        (20.0, False)
        >>> drawn == augmentation.draw((40, 40), 1.0, seed=0, epoch=3, index=7)
        True
    """

    area: tuple[float, float] = (0.35, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2

    def __post_init__(self) -> None:
        sane = {
            f"area={self.area}": 0 < self.area[0] <= self.area[1] <= 1,
            f"aspect={self.aspect}": 0 < self.aspect[0] <= self.aspect[1],
            f"flip={self.flip}": 0 <= self.flip <= 1,
        }
        sane |= {f"{n}={getattr(self, n)}": 0 <= getattr(self, n) <= 1 for n in _COLOURS}
        wrong = [what for what, is_sane in sane.items() if not is_sane]
        if wrong:
            raise UsageError(
                f"augmentation: {', '.join(wrong)}; area is a pair of shares from above 0 to 1, "
                "aspect a pair of factors, the smaller first, the others are shares from 0 to 1"
            )

    def draw(
        self, size: tuple[int, int], across: float, *, seed: int, epoch: int, index: int
    ) -> Draw:
        """Draw for one image.

        Args:
            size: Its width and height.
            across: Width by height of the net's input.
            seed: Of the run.
            epoch: Counted from 0.
            index: Number of the image in its data set.
        """
        random = np.random.default_rng([seed, epoch, index])
        # All numbers are drawn whether used or not: without flips the crops stay what they were.
        area, aspect, left, top, flip, *colours = random.random(8).tolist()
        box = self._box(size, across, area, aspect, (left, top))
        factors = (
            1 + getattr(self, n) * (2 * u - 1) for n, u in zip(_COLOURS, colours, strict=True)
        )
        return Draw(box, flip < self.flip, *factors)

    def _box(
        self,
        size: tuple[int, int],
        across: float,
        area: float,
        aspect: float,
        place: tuple[float, float],
    ) -> Box:
        share = self.area[0] + area * (self.area[1] - self.area[0])
        low, high = log(self.aspect[0]), log(self.aspect[1])
        stretch = across * exp(low + aspect * (high - low))
        pixels = share * size[0] * size[1]
        width, height = sqrt(pixels * stretch), sqrt(pixels / stretch)
        fit = min(1.0, size[0] / width, size[1] / height)
        width, height = width * fit, height * fit
        left = place[0] * max(size[0] - width, 0.0)  # rounding may leave less than nothing
        top = place[1] * max(size[1] - height, 0.0)
        return (left, top, min(left + width, size[0]), min(top + height, size[1]))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


_COLOURS = ("brightness", "contrast", "saturation")
