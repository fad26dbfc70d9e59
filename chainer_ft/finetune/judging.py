"""What a net says of images, and how much of it is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np

from chainer_ft.finetune.measured import Confusion, Margin, Sample, Score


@dataclass(frozen=True)
class Judged:
    """Scores of images whose classes are known.

    Args:
        scores: What the net gives, float32, (n, classes).
        labels: Numbers of the true classes, (n,).
    """

    scores: np.ndarray
    labels: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Whether each image is right, (n,)."""
        right: np.ndarray = self.scores.argmax(axis=1) == self.labels
        return right

    @property
    def probabilities(self) -> np.ndarray:
        """Softmax of the scores, (n, classes)."""
        return softmax(self.scores)

    @property
    def losses(self) -> np.ndarray:
        """Cross entropy of each image, (n,)."""
        own = np.take_along_axis(self.probabilities, self.labels[:, None], axis=1)[:, 0]
        losses: np.ndarray = -np.log(np.maximum(own, np.finfo(np.float64).tiny))
        return losses

    def score(self) -> Score:
        """How many are right."""
        return Score(int(self.right.sum()), len(self.labels))

    def margin(self, other: Judged) -> Margin:
        """How far this net is ahead of another on the same images."""
        mine, theirs = self.right, other.right
        return Margin(int((mine & ~theirs).sum()), int((theirs & ~mine).sum()), len(mine))

    def confusion(self, classes: Sequence[str]) -> Confusion:
        """Which class is taken for which."""
        counts = np.zeros((len(classes), len(classes)), int)
        np.add.at(counts, (self.labels, self.scores.argmax(axis=1)), 1)
        return Confusion(tuple(classes), tuple(tuple(row) for row in counts.tolist()))

    def worst(self, classes: Sequence[str], keys: Sequence[str], count: int) -> list[Sample]:
        """The images with the largest loss, the worst first, wrong ones only.

        Args:
            classes: Names.
            keys: Where each image is.
            count: How many at most.
        """
        losses, probabilities = self.losses, self.probabilities
        order = [i for i in np.argsort(-losses, kind="stable") if not self.right[i]][:count]
        return [
            Sample(
                keys[i],
                classes[self.labels[i]],
                classes[int(self.scores[i].argmax())],
                float(probabilities[i, self.labels[i]]),
                float(losses[i]),
            )
            for i in order
        ]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities, in double precision.

    Example:
        >>> softmax(np.zeros((1, 4))).tolist()
        [[0.25, 0.25, 0.25, 0.25]]
    """
    shifted = np.exp((scores - scores.max(axis=1, keepdims=True)).astype(np.float64))
    shares: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


def scores_of(
    predictor: chainer.Link,
    batches: Iterator[Any],
    progress: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Call a predictor on batches, as in inference.

    Args:
        predictor: What gives the scores, on any device.
        batches: Lists of examples ``(input, label)``.
        progress: Called with how many images are done.

    Returns:
        tuple: Scores, float32, (n, classes), and labels, int32, (n,).
    """
    found: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    done = 0
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        for batch in batches:
            x, t = chainer.dataset.concat_examples(batch)
            scores = predictor(predictor.device.send(x))
            found.append(chainer.backend.CpuDevice().send(scores.array))
            labels.append(t)
            done += len(t)
            if progress is not None:
                progress(done)
    return np.concatenate(found), np.concatenate(labels)
