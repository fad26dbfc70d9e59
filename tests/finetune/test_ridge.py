"""The linear classifier in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge as Reference

from chainer_ft.finetune.ridge import fit


def _data(count: int, size: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(classes, size=count)
    centres = draw.standard_normal((classes, size))
    return centres[labels] + draw.standard_normal((count, size)), labels


@settings(deadline=None, max_examples=20)
@given(
    count=st.integers(5, 40),
    size=st.integers(1, 60),
    classes=st.integers(2, 5),
    seed=st.integers(0),
)
def test_it_is_ridge_regression_as_others_compute_it(
    count: int, size: int, classes: int, seed: int
) -> None:
    features, labels = _data(count, size, classes, seed)
    ours = fit(features, labels, classes)
    standard = (features - ours.mean) / ours.scale
    values = np.linalg.svd(standard, compute_uv=False)
    theirs = Reference(alpha=ours.penalty * (values**2).mean(), solver="svd")
    theirs.fit(standard, np.eye(classes)[labels])
    scores = standard @ ours.weights + ours.bias
    np.testing.assert_allclose(scores, theirs.predict(standard), atol=1e-6)


def test_what_is_left_out_is_what_fits_without_it_say() -> None:
    features, labels = _data(25, 3, 3, seed=1)
    ours = fit(features, labels, 3)
    standard = (features - ours.mean) / ours.scale
    alpha = ours.penalty * (np.linalg.svd(standard, compute_uv=False) ** 2).mean()
    right = 0
    for i in range(len(labels)):
        others = np.arange(len(labels)) != i
        without = Reference(alpha=alpha).fit(standard[others], np.eye(3)[labels[others]])
        right += int(without.predict(standard[i : i + 1]).argmax() == labels[i])
    assert ours.left_out == pytest.approx(right / len(labels))


def test_constant_and_repeated_features_do_no_harm() -> None:
    features, labels = _data(30, 4, 2, seed=2)
    more = np.concatenate([features, features, np.ones((30, 2))], axis=1)
    assert np.isfinite(fit(more, labels, 2).weights).all()


def test_classes_without_a_sample_are_never_said() -> None:
    features, labels = _data(30, 4, 2, seed=3)
    assert set(fit(features, labels, 5).predict(features)) <= {0, 1}
