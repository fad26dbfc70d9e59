"""How much a linear classifier makes of what a model knows at each depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import chainer
import numpy as np

from chainer_ft.errors import UsageError
from chainer_ft.finetune.depths import Depth, depths, features
from chainer_ft.finetune.intervals import wilson
from chainer_ft.finetune.ridge import fit
from chainer_ft.report.table import align


@dataclass(frozen=True)
class Probe:
    """A linear classifier on the features of one depth.

    Args:
        depth: Where they are read.
        size: How many numbers a sample.
        correct: Validation samples that it has right.
        count: Validation samples.
        left_out: Accuracy on training samples that it was fitted without.
    """

    depth: Depth
    size: int
    correct: int
    count: int
    left_out: float

    @property
    def accuracy(self) -> float:
        """On the validation samples."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy."""
        return wilson(self.correct, self.count)


@dataclass(frozen=True)
class Probes:
    """Probes from the input to the head.

    Args:
        probes: One a depth.
        chance: Accuracy of always saying the most frequent class.
    """

    probes: tuple[Probe, ...]
    chance: float

    @property
    def best(self) -> Probe:
        """The deepest of those that are as good as the best one, as far as can be told."""
        top = max(self.probes, key=lambda p: p.correct)
        equal = [p for p in self.probes if p.accuracy >= top.interval[0]]
        return equal[-1]

    @property
    def last(self) -> Probe:
        """What the head reads."""
        return self.probes[-1]

    def __str__(self) -> str:
        rows = [("features after", "numbers", "accuracy", "95 %")]
        for probe in self.probes:
            low, high = probe.interval
            mark = " *" if probe is self.best else ""
            spread = f"{low:.1%} to {high:.1%}{mark}"
            name = probe.depth.after or "the input"
            rows.append((name, f"{probe.size:,}", f"{probe.accuracy:.1%}", spread))
        return "\n".join([*align(rows, right=(1, 2)), "", f"chance {self.chance:.1%}"])


def linear_probe(
    model: chainer.Link,
    train: Sequence[Any],
    val: Sequence[Any],
    *,
    classes: int | None = None,
    batch_size: int = 32,
    most: int = 12,
    device: Any = None,
) -> Probes:
    """Fit a linear classifier to what each layer of a model reads, and see how good it is.

    The features are those of the model as it is, in test mode; nothing of it is changed. The
    classifier is ridge regression in closed form, its penalty from the training samples alone.

    Args:
        model: Called with a batch of inputs.
        train: Examples ``(input, label)`` to fit to.
        val: Examples to measure with.
        classes: How many there are; from the labels by default.
        batch_size: Examples in a batch.
        most: How many depths, at most.
        device: Where the model is.

    Returns:
        Probes: ``print`` it.

    Raises:
        UsageError: There are no examples, or no layers.

    Example:
        >>> L, draw = chainer.links, np.random.default_rng(0)
        >>> data = [(draw.random(3, np.float32) + t, t) for t in (0, 1) * 20]
        >>> found = linear_probe(chainer.Sequential(L.Linear(3, 4), L.Linear(4, 2)), data, data)
        >>> [probe.depth.before for probe in found.probes], found.chance
        (['/0', '/1'], 0.5)
    """
    if not len(train) or not len(val):
        raise UsageError("a probe needs examples to fit to, and others to measure with")
    first = next(_inputs(train, 2, device))
    places = depths(model, first, most)
    fitted = features(model, _inputs(train, batch_size, device), places)
    measured = features(model, _inputs(val, batch_size, device), places)
    labels, wanted = _labels(train), _labels(val)
    classes = classes or int(max(labels.max(), wanted.max())) + 1
    probes = [_probe(p, fitted[p], labels, measured[p], wanted, classes) for p in places]
    most_frequent = np.bincount(labels, minlength=classes).argmax()
    return Probes(tuple(probes), float((wanted == most_frequent).mean()))


def _probe(
    depth: Depth,
    fitted: np.ndarray,
    labels: np.ndarray,
    measured: np.ndarray,
    wanted: np.ndarray,
    classes: int,
) -> Probe:
    ridge = fit(fitted, labels, classes)
    correct = int((ridge.predict(measured) == wanted).sum())
    return Probe(depth, fitted.shape[1], correct, len(wanted), ridge.left_out)


def _inputs(examples: Sequence[Any], size: int, device: Any) -> Iterator[Any]:
    for start in range(0, len(examples), size):
        batch = [examples[i][0] for i in range(start, min(start + size, len(examples)))]
        yield chainer.get_device(device or "@numpy").send(np.stack(batch))


def _labels(examples: Sequence[Any]) -> np.ndarray:
    return np.array([int(examples[i][1]) for i in range(len(examples))])
