"""A linear classifier in closed form: ridge regression on the classes, its penalty by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Penalties that are tried, as shares of the mean eigenvalue.
_PENALTIES = 10.0 ** np.arange(-6, 3.1, 0.5)
_TINY = 1e-12


@dataclass(frozen=True)
class Ridge:
    """A linear classifier.

    Args:
        weights: (features, classes).
        mean: (features,); subtracted first.
        scale: (features,); divided by then.
        bias: (classes,).
        penalty: That was chosen, as a share of the mean eigenvalue.
        left_out: Accuracy on samples that it was fitted without, each in turn.
    """

    weights: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    penalty: float
    left_out: float

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The class of each row: (n,)."""
        scores = (features - self.mean) / self.scale @ self.weights + self.bias
        found: np.ndarray = scores.argmax(axis=1)
        return found


def fit(features: np.ndarray, labels: np.ndarray, classes: int) -> Ridge:
    """Fit a classifier, with the penalty that is best on samples left out one by one.

    What a fit without sample ``i`` says of it needs no fit of its own: its residual is that of
    the whole fit divided by ``1 - h_ii``, where ``h`` is the matrix that takes targets to fitted
    values (Allen 1974, PRESS).

    Args:
        features: (n, features), any real numbers.
        labels: (n,), from 0.
        classes: How many there are.

    Example:
        >>> features = np.array([[0.0], [0.1], [0.9], [1.0]])
        >>> fit(features, np.array([0, 0, 1, 1]), 2).predict(np.array([[0.2], [0.7]])).tolist()
        [0, 1]
    """
    features = np.asarray(features, np.float64)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > _TINY, spread, 1.0)
    left, values, right = np.linalg.svd((features - mean) / scale, full_matrices=False)
    targets = np.eye(classes)[labels]
    bias = targets.mean(axis=0)
    turned = left.T @ (targets - bias)
    unit = float((values**2).mean()) or 1.0
    tries = [(_left_out(left, values, turned, bias, labels, p * unit), p) for p in _PENALTIES]
    accuracy, penalty = max(tries)
    shrunk = values / (values**2 + penalty * unit)
    return Ridge(right.T * shrunk @ turned, mean, scale, bias, float(penalty), accuracy)


def _left_out(
    left: np.ndarray,
    values: np.ndarray,
    turned: np.ndarray,
    bias: np.ndarray,
    labels: np.ndarray,
    penalty: float,
) -> float:
    """Accuracy on samples that are left out, each in turn."""
    kept = values**2 / (values**2 + penalty)
    fitted = left * kept @ turned + bias
    influence = np.minimum((left**2 * kept).sum(axis=1) + 1 / len(labels), 1 - _TINY)
    targets = np.eye(len(bias))[labels]
    without = targets - (targets - fitted) / (1 - influence)[:, None]
    return float((without.argmax(axis=1) == labels).mean())
