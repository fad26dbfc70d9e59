"""Where the numbers of batches look like another channel order or another scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainer_ft.images.statistics import Statistics

if TYPE_CHECKING:
    from chainer_ft.images.preprocessing import Preprocessing

#: Standard deviation of the pixels of photographs; ImageNet's is 57 to 58.
_TYPICAL = 58.0
#: Ways to read what was given: a factor of the pixels, a factor of the mean.
_READINGS = {
    "as they are": (1.0, 1.0),
    "pixels times 255": (255.0, 1.0),
    "pixels divided by 255": (1 / 255, 1.0),
    "a mean times 255": (1.0, 255.0),
}
_CURES = {
    "pixels times 255": "are the images nearly black, saved as 0 and 1?",
    "pixels divided by 255": "multiply mean and std by 255; they are of pixels from 0 to 255",
    "a mean times 255": "multiply the mean by 255; it is one of pixels from 0 to 255",
}
#: How much better another reading must fit, and how badly the given one.
_BETTER, _BAD = 0.25, 1.0
_TINT = 4.0  # of 255: channels that differ less tell nothing


def misfit(preprocessing: Preprocessing, batch: Statistics) -> str | None:
    """Say where batches fit another channel order or scale better.

    What is expected are the statistics that the weights were trained on, where they are kept;
    else that the mean brings the channels to zero, and that the images are photographs.

    Args:
        preprocessing: What prepared the batches.
        batch: Their statistics.

    Returns:
        str or None: A sentence, or nothing where they fit or nothing is known.

    Example:
        >>> from chainer_ft.images import Preprocessing
        >>> torch = Preprocessing((8, 8), scale=1, mean=(0.485, 0.456, 0.406), std=(0.229,))
        >>> print(torch.check(Statistics((520.0, 518.0, 515.0), (250.0, 250.0, 250.0))))
        preprocessing: the batches fit pixels divided by 255 better ...
    """
    if preprocessing.statistics is None and not any(preprocessing.mean):
        return None
    pixels, expected = _pixels(preprocessing, batch), _expected(preprocessing)
    return _other_scale(preprocessing, pixels, expected) or _other_order(
        preprocessing, pixels, expected
    )


def _numbers(preprocessing: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each channel, and the factor of each."""
    depth = len(preprocessing.channels)
    mean = np.array(preprocessing.mean)
    mean = mean.reshape(depth, -1).mean(axis=1) if len(mean) >= depth else np.repeat(mean, depth)
    return mean, preprocessing.scale / np.broadcast_to(np.array(preprocessing.std), (depth,))


def _pixels(preprocessing: Preprocessing, batch: Statistics) -> Statistics:
    """What the pixels were before they were prepared, in the net's channel order."""
    mean, factor = _numbers(preprocessing)
    return Statistics(
        tuple((np.array(batch.mean) / factor + mean).tolist()),
        tuple((np.array(batch.std) / factor).tolist()),
    )


def _expected(preprocessing: Preprocessing) -> Statistics:
    """What the pixels should be."""
    if preprocessing.statistics is not None:
        return _pixels(preprocessing, preprocessing.statistics)
    mean, factor = _numbers(preprocessing)
    is_given = preprocessing.std != (1.0,)
    std = 1 / factor if is_given else np.full(len(mean), _TYPICAL)
    return Statistics(tuple(mean.tolist()), tuple(std.tolist()))


def _other_scale(
    preprocessing: Preprocessing, pixels: Statistics, expected: Statistics
) -> str | None:
    readings = {name: _distance(pixels, expected, *factors) for name, factors in _READINGS.items()}
    best = min(readings, key=lambda name: readings[name])
    given = readings["as they are"]
    if given < _BAD or readings[best] > _BETTER * given:
        return None
    scale = preprocessing.scale * _READINGS[best][0]
    cure = _CURES[best] if preprocessing.statistics is None else f"set scale to {scale:g}"
    return (
        f"preprocessing: the batches fit {best} better (pixels have the mean "
        f"{_text(pixels.mean)}, and {_text(expected.mean)} is expected): {cure}"
    )


def _distance(pixels: Statistics, expected: Statistics, factor: float, mean_factor: float) -> float:
    """How far means (in standard deviations) and deviations (in powers of e) are."""
    mean, std = np.array(pixels.mean) * factor, np.array(pixels.std) * factor + 1e-12
    shift = (mean - np.array(expected.mean) * mean_factor) / np.array(expected.std)
    ratio = np.log(std / np.array(expected.std))
    return float((shift**2).mean() + (ratio**2).mean())


def _other_order(
    preprocessing: Preprocessing, pixels: Statistics, expected: Statistics
) -> str | None:
    """Compare the tint alone: how bright the images are says nothing about the order."""
    if len(preprocessing.channels) != 3:
        return None
    seen, wanted = (np.array(one.mean) - np.mean(one.mean) for one in (pixels, expected))
    straight, turned = (float(((way - wanted) ** 2).mean()) for way in (seen, seen[::-1]))
    if abs(wanted[0] - wanted[2]) < _TINT or abs(seen[0] - seen[2]) < _TINT:
        return None
    if turned > _BETTER * straight:
        return None
    other = preprocessing.channels[::-1]
    return (
        f"preprocessing: the batches fit the channel order {other} better than "
        f"{preprocessing.channels} (channel means {_text(pixels.mean)}, and "
        f"{_text(expected.mean)} is expected): unless the images have such a tint, set channels to "
        f"{other}, or turn the mean around"
    )


def _text(numbers: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{number:.3g}" for number in numbers) + ")"
