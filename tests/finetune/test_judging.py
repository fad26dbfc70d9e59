"""What is right, what is taken for what, and which images are furthest from right."""

from __future__ import annotations

import chainer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.finetune.judging import Judged, scores_of, softmax

CLASSES = ("cat", "dog", "cow")


def judged(seed: int = 0, count: int = 30) -> Judged:
    draw = np.random.default_rng(seed)
    labels = draw.integers(3, size=count).astype("i")
    return Judged(draw.normal(0, 3, (count, 3)).astype("f"), labels)


@given(st.integers(0, 1000))
def test_the_confusion_has_each_image_once(seed: int) -> None:
    one = judged(seed)
    counts = np.array(one.confusion(CLASSES).counts)
    assert (counts.sum(axis=1) == np.bincount(one.labels, minlength=3)).all()
    assert counts.trace() == one.score().correct


def test_losses_are_chainers() -> None:
    one = judged()
    theirs = chainer.functions.softmax_cross_entropy(one.scores, one.labels, reduce="no").array
    assert np.allclose(one.losses, theirs, rtol=1e-5, atol=1e-6)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_margin_is_the_difference_of_the_scores(seed: int, other: int) -> None:
    first = judged(seed)
    second = Judged(judged(other).scores, first.labels)
    gap = first.score().accuracy - second.score().accuracy
    assert first.margin(second).difference == pytest.approx(gap)


def test_the_worst_are_wrong_and_in_order() -> None:
    one = judged()
    worst = one.worst(CLASSES, [str(i) for i in range(30)], 5)
    assert len(worst) == 5
    assert [s.loss for s in worst] == sorted((s.loss for s in worst), reverse=True)
    assert worst[0].loss == pytest.approx(one.losses[~one.right].max())
    for sample in worst:
        assert sample.label == CLASSES[one.labels[int(sample.key)]] != sample.predicted
        assert sample.probability == pytest.approx(np.exp(-sample.loss))


def test_huge_scores_are_no_trouble() -> None:
    assert softmax(np.array([[1e4, -1e4]], "f")).tolist() == [[1.0, 0.0]]
    assert np.isfinite(Judged(np.array([[1e4, -1e4]], "f"), np.array([1])).losses).all()


def test_scores_are_those_of_inference_and_in_order() -> None:
    net = chainer.Sequential(lambda x: chainer.functions.dropout(x, 0.9))
    x = np.random.default_rng(0).random((7, 3)).astype("f")
    pairs = [(row, np.int32(i)) for i, row in enumerate(x)]
    done: list[int] = []
    scores, labels = scores_of(net, iter([pairs[:4], pairs[4:]]), done.append)
    assert (scores == x).all() and labels.tolist() == list(range(7)) and done == [4, 7]
