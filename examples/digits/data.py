"""scikit-learn's 1797 images of digits, each at some place of a 12x12 image."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

SIZE = 12
Set = tuple[np.ndarray, np.ndarray]


def digits(classes: range) -> Set:
    """Images of some digits, 8x8, and their labels, which count from 0.

    Args:
        classes: The digits.

    Returns:
        tuple: Images of shape ``(N, 8, 8)``, float32 from 0 to 1; labels of shape ``(N,)``, int32.
    """
    images, labels = load_digits(return_X_y=True)
    chosen = np.isin(labels, classes)
    pixels = (images[chosen] / 16).astype(np.float32).reshape(-1, 8, 8)
    return pixels, (labels[chosen] - classes.start).astype(np.int32)


def placed(images: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """The images at random places of larger ones.

    Args:
        images: Shape ``(N, 8, 8)``.
        rng: Where the places come from.

    Returns:
        numpy.ndarray: Shape ``(N, 1, 12, 12)``.
    """
    out = np.zeros((len(images), 1, SIZE, SIZE), np.float32)
    for canvas, image in zip(out[:, 0], images, strict=True):
        top, left = rng.randint(0, SIZE - 7, 2)
        canvas[top : top + 8, left : left + 8] = image
    return out


def split(labels: np.ndarray, each: int, rng: np.random.RandomState) -> tuple[np.ndarray, ...]:
    """Places of ``each`` images of every class, and of all other images."""
    order = rng.permutation(len(labels))
    few = np.concatenate([order[labels[order] == k][:each] for k in np.unique(labels)])
    return few, np.setdiff1d(order, few)
